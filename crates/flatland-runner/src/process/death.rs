//! Processes that ended without reporting the outcome of their run.
//!
//! The parent records such an end in the directory of the run: the signal or the exit code, and the last lines that the
//! process printed.

use std::collections::VecDeque;
use std::process::ExitStatus;

use bytesize::ByteSize;

use flatland_config::Status;
use flatland_records::lock::Lock;
use flatland_records::{Owner, Program};

use crate::guard;
use crate::outcome::RunOutcome;
use crate::scheduler::task::RunTask;
use crate::signals;

/// The last lines that a process printed.
#[derive(Default)]
pub struct LastLines(VecDeque<String>);

impl LastLines {
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
    /// Why this process ended it, if it did.
    pub excess: Option<String>,
    /// The most memory that the process was seen to take, in bytes.
    pub largest: u64,
    pub last_lines: LastLines,
}

impl Death {
    /// A signal that asks to stop interrupts the run, even if it comes before the process listens.
    fn status(&self) -> Status {
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
        let LastLines(lines) = &self.last_lines;
        if !lines.is_empty() {
            reason += "; its last words:";
            for line in lines {
                reason += &format!("\n  {line}");
            }
        }
        reason
    }
}

/// The reason for ending a process that took too much memory.
pub fn excess(resident: u64, limit: u64) -> String {
    let size = |bytes| ByteSize::b(bytes).display().si();
    format!(
        "its process was ended since it took {} of memory and {} is the most for its share of --memory (half as much \
         again, and 256 MB)",
        size(resident),
        size(limit)
    )
}

/// Records how the process `pid` of a run died.
pub fn record(program: &Program, task: &RunTask<'_>, pid: u32, death: &Death) -> RunOutcome {
    let reason = death.reason();
    let (config, directory) = (task.config, &task.directory);
    match Lock::take(directory) {
        Ok(Some(_lock)) => {
            let owner = Owner {
                pid,
                ..Owner::this()
            };
            guard::record_end(config, directory, program, owner, death.status(), reason)
        }
        // Another process has resumed the run.
        Ok(None) => RunOutcome::OwnedByOther(None),
        Err(error) => {
            RunOutcome::failed(format!("{reason} (this could not be recorded: {error:#})"))
        }
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
            last_lines: LastLines::default(),
        }
    }

    #[test]
    fn a_death_is_told_with_its_signal_or_code_and_the_last_lines() {
        let killed = death(9).reason();
        assert!(
            killed.contains("SIGKILL (9) with at most 123.0 MB"),
            "{killed}"
        );
        assert!(killed.contains("when memory runs out"), "{killed}");
        assert_eq!(death(3 << 8).reason(), "its process ended with exit code 3");
        let mut aborted = death(6);
        for line in 1..=LastLines::LINES + 2 {
            aborted.last_lines.push(format!("line {line}"));
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
            assert_eq!(death(signal).status(), status);
        }
    }
}
