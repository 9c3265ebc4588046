//! Runs that another process was making when their turn came.
//!
//! They are checked again after the pass over the grid. A process that is stopping writes that into the lock file, and
//! the others wait for it.

use std::time::{Duration, Instant};

use flatland_records::{RunFile, lock};

use super::task::RunTask;
use crate::observer::Observer;
use crate::outcome::RunOutcome;
use crate::stop::StopToken;

/// How long another process has at least to release its run, or to announce that it stops: about as long as it needs to
/// notice that its parent is gone.
const GRACE: Duration = Duration::from_secs(2);

/// How often a lock is tested meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Returns the indices of unfinished runs whose lock is free. Waits for owners that announced they are stopping. Runs
/// that another process has finished get that outcome; runs that it still makes keep theirs.
pub fn find(
    tasks: &[RunTask<'_>],
    outcomes: &mut [Option<RunOutcome>],
    stop: &StopToken,
    observer: &dyn Observer,
) -> Vec<usize> {
    let mut found = Vec::new();
    let start = Instant::now();
    let mut has_noted = false;
    loop {
        let mut must_wait = false;
        for (index, (task, outcome)) in tasks.iter().zip(&mut *outcomes).enumerate() {
            if found.contains(&index) || !matches!(outcome, Some(RunOutcome::OwnedByOther(_))) {
                continue;
            }
            let directory = &task.directory;
            match RunFile::read(directory) {
                Ok(Some(file)) if file.status.is_final() => {
                    *outcome = Some(RunOutcome::Finished(file.status));
                }
                _ if !lock::may_be_held(directory) => found.push(index),
                _ => {
                    let is_stopping = lock::is_stopping(directory);
                    must_wait |= is_stopping || start.elapsed() < GRACE;
                    if is_stopping && !has_noted {
                        has_noted = true;
                        let name = task.config.directory_name();
                        observer.note(&format!(
                            "{name}: waiting for the process that was making it to stop"
                        ));
                    }
                }
            }
        }
        if stop.is_stopped() {
            return Vec::new();
        }
        // Runs that can be made are made before anything else is waited for.
        if !found.is_empty() || !must_wait {
            return found;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}
