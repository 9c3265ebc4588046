//! The `experiments` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::main()
}
