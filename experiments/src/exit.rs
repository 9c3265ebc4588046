//! The exit codes of the program.

use flatland_runner::signals;
use flatland_runner::stop::StopToken;

/// The exit code of wrong usage or configuration.
pub const USAGE: u8 = 2;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All runs reached what they were asked for.
    Success,
    /// Some runs diverged, stalled, failed or ran out of time.
    SomeFailed,
    /// A signal stopped the command.
    Interrupted,
}

impl Ending {
    /// The exit code. An interrupted command has that of its signal, which `stop` knows.
    pub fn code(self, stop: &StopToken) -> u8 {
        match self {
            Self::Success => 0,
            Self::SomeFailed => 1,
            Self::Interrupted => signals::exit_code_of(stop.cause()),
        }
    }
}
