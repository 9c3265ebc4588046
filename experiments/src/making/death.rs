//! Processes that ended without telling what became of their cell.

use std::collections::VecDeque;
use std::process::ExitStatus;

use bytesize::ByteSize;

use super::{Outcome, Task, work};
use crate::lock::Lock;
use crate::records::{Owner, Status};
use crate::signals;

/// Lines that a process said last.
#[derive(Default)]
pub struct LastWords(VecDeque<String>);

impl LastWords {
    /// How many are kept.
    const LINES: usize = 12;

    pub fn push(&mut self, line: String) {
        if self.0.len() == Self::LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }
}

/// How a process died.
pub struct Death {
    pub status: ExitStatus,
    /// Why it was ended, if this process did it.
    pub excess: Option<String>,
    /// The most memory that it was seen to take, in bytes.
    pub largest: u64,
    pub last_words: LastWords,
}

impl Death {
    /// A signal that asks to stop does what it asks for, even if it comes before anybody listens.
    fn outcome(&self) -> Status {
        match signal(self.status) {
            Some(number) if signals::is_stopping(number) => Status::Interrupted,
            _ => Status::Failed,
        }
    }

    fn reason(&self) -> String {
        let mut reason = match (&self.excess, signal(self.status)) {
            (Some(excess), _) => excess.clone(),
            (None, Some(number)) => {
                let name = signal_hook::low_level::signal_name(number).unwrap_or("a signal");
                let memory = ByteSize::b(self.largest).display().si();
                let hint = match name {
                    "SIGKILL" => {
                        "; the operating system does that when memory runs out (see --memory and --jobs)"
                    }
                    _ => "",
                };
                format!(
                    "its process was ended by {name} ({number}) with at most {memory} of memory seen in use{hint}"
                )
            }
            (None, None) => match self.status.code() {
                Some(code) => format!("its process ended with exit code {code}"),
                None => "its process ended".to_owned(),
            },
        };
        let LastWords(lines) = &self.last_words;
        if !lines.is_empty() {
            reason += "; its last words:";
            for line in lines {
                reason += &format!("\n  {line}");
            }
        }
        reason
    }
}

/// Why a process was ended that took more than it might.
pub fn excess(resident: u64, limit: u64) -> String {
    let size = |bytes| ByteSize::b(bytes).display().si();
    format!(
        "its process was ended since it took {} of memory and {} is the most for its share of --memory (half as much \
         again, and 256 MB)",
        size(resident),
        size(limit)
    )
}

/// Records how the process `pid` of a cell died.
pub fn record(task: &Task<'_>, pid: u32, death: Death) -> Outcome {
    let reason = death.reason();
    match Lock::take(&task.directory) {
        Ok(Some(_lock)) => {
            let owner = Owner {
                pid,
                ..Owner::this()
            };
            work::record(task.cell, &task.directory, owner, death.outcome(), reason)
        }
        // Another process goes on with it.
        Ok(None) => Outcome::Elsewhere(None),
        Err(error) => Outcome::failed(format!("{reason} (this could not be recorded: {error:#})")),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn death(wait_status: i32) -> Death {
        Death {
            status: ExitStatus::from_raw(wait_status),
            excess: None,
            largest: 123_000_000,
            last_words: LastWords::default(),
        }
    }

    #[test]
    fn a_death_is_told_with_its_signal_or_code_and_the_last_words() {
        let killed = death(9).reason();
        assert!(
            killed.contains("SIGKILL (9) with at most 123.0 MB"),
            "{killed}"
        );
        assert!(killed.contains("when memory runs out"), "{killed}");
        assert_eq!(death(3 << 8).reason(), "its process ended with exit code 3");
        let mut aborted = death(6);
        for line in 1..=LastWords::LINES + 2 {
            aborted.last_words.push(format!("line {line}"));
        }
        let reason = aborted.reason();
        assert!(reason.contains("SIGABRT (6)"), "{reason}");
        assert!(
            reason.contains("its last words:\n  line 3\n  line 4\n"),
            "{reason}"
        );
        assert!(reason.ends_with("\n  line 14"), "{reason}");
    }

    #[test]
    fn only_a_signal_that_asks_to_stop_interrupts() {
        for (signal, status) in [
            (2, Status::Interrupted),
            (15, Status::Interrupted),
            (9, Status::Failed),
            (11, Status::Failed),
        ] {
            assert_eq!(death(signal).outcome(), status);
        }
    }
}
