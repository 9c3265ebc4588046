//! Which program this is.

use flatland_records::Program;

/// This program, for records.
pub fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: env!("FLATLAND_GIT_COMMIT").to_owned(),
    }
}
