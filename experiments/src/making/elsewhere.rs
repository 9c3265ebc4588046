//! Cells that were passed over since another process was making them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Outcome, Task};
use crate::lock;
use crate::records::RunFile;
use crate::say::say;

/// How long a process has at least to let go of its cell, or to say that it stops: about what it takes to notice that the
/// one that had started it is gone.
const GRACE: Duration = Duration::from_secs(2);

/// How often a lock is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Finds the cells that nobody makes any more, though they are not finished. Who stops is waited for; who goes on keeps its
/// cell. Cells that were finished elsewhere get that outcome.
pub fn left_behind(
    tasks: &[Task<'_>],
    outcomes: &mut [Option<Outcome>],
    interrupted: &AtomicBool,
) -> Vec<usize> {
    let mut found = Vec::new();
    let start = Instant::now();
    let mut has_told = false;
    loop {
        let mut is_to_be_waited_for = false;
        for (index, (task, outcome)) in tasks.iter().zip(&mut *outcomes).enumerate() {
            if found.contains(&index) || !matches!(outcome, Some(Outcome::Elsewhere(_))) {
                continue;
            }
            let directory = &task.directory;
            match RunFile::read(directory) {
                Ok(Some(file)) if file.status.is_final() => {
                    *outcome = Some(Outcome::Finished(file.status));
                }
                _ if !lock::may_be_held(directory) => found.push(index),
                _ => {
                    let is_stopping = lock::is_stopping(directory);
                    is_to_be_waited_for |= is_stopping || start.elapsed() < GRACE;
                    if is_stopping && !has_told {
                        has_told = true;
                        let name = task.cell.directory_name();
                        say!("{name}: waiting for the process that was making it to stop");
                    }
                }
            }
        }
        if interrupted.load(Ordering::Relaxed) {
            return Vec::new();
        }
        // What can be made is made before anything else is waited for.
        if !found.is_empty() || !is_to_be_waited_for {
            return found;
        }
        std::thread::sleep(LOOK);
    }
}
