//! What runs tell of themselves while they are made.

use serde::{Deserialize, Deserializer, Serialize};

use crate::outcome::RunOutcome;

/// Something that happened while runs are made.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// A remark on all runs, in one line.
    Note(&'a str),
    /// A run begins.
    Started {
        /// Its number, from 1.
        run: usize,
        /// The number of all runs.
        runs: usize,
        /// The name of its directory.
        name: &'a str,
        /// Its iterations.
        iterations: u64,
    },
    /// A run has made an iteration.
    Progress {
        /// The number of the run.
        run: usize,
        /// How far it is.
        progress: &'a Progress,
    },
    /// A run has a remark, or its process has printed a line.
    Output {
        /// The number of the run.
        run: usize,
        /// The line.
        line: &'a str,
    },
    /// A run has ended, or is left to another process.
    Ended {
        /// The number of the run.
        run: usize,
        /// The result.
        outcome: &'a RunOutcome,
    },
}

/// Where the runner reports what happens. It prints nothing itself.
pub trait Observer: Sync {
    /// Takes note of an event. Several runs may report at the same time.
    fn observe(&self, event: &RunEvent<'_>);

    /// Takes note of a remark on all runs.
    fn note(&self, note: &str) {
        self.observe(&RunEvent::Note(note));
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Iterations made.
    pub done: u64,
    /// The training loss before the last of them. NaN if it is not finite.
    #[serde(deserialize_with = "null_is_nan")]
    pub loss: f64,
    /// `η` of the last of them.
    pub step_size: f64,
    /// The last measurement of `λ₁`.
    pub sharpness: Option<f64>,
    /// Of a stochastic run: the epoch, from 0.
    pub epoch: Option<u64>,
}

/// JSON has no NaN; it is written as `null`.
fn null_is_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = Option::deserialize(deserializer)?;
    Ok(value.unwrap_or(f64::NAN))
}

/// The observer of one run.
#[derive(Clone, Copy)]
pub struct RunObserver<'a> {
    observer: &'a dyn Observer,
    run: usize,
}

impl<'a> RunObserver<'a> {
    /// Reports to `observer` as the run of this number.
    pub fn new(observer: &'a dyn Observer, run: usize) -> Self {
        Self { observer, run }
    }

    /// Reports how far the run is.
    pub fn progress(&self, progress: &Progress) {
        let run = self.run;
        self.observer.observe(&RunEvent::Progress { run, progress });
    }

    /// Reports a remark, or a line that the run's process has printed.
    pub fn output(&self, line: &str) {
        let run = self.run;
        self.observer.observe(&RunEvent::Output { run, line });
    }

    /// Reports that the run has ended.
    pub fn ended(&self, outcome: &RunOutcome) {
        let run = self.run;
        self.observer.observe(&RunEvent::Ended { run, outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_survives_json_even_without_a_finite_loss() {
        for loss in [0.25, f64::NAN, f64::INFINITY] {
            let sent = Progress {
                done: 3,
                loss,
                step_size: 0.5,
                sharpness: None,
                epoch: Some(1),
            };
            let text = serde_json::to_string(&sent).unwrap();
            let read: Progress = serde_json::from_str(&text).unwrap();
            assert!(read.loss == loss || !loss.is_finite() && read.loss.is_nan());
            assert_eq!((read.done, read.epoch), (3, Some(1)));
        }
    }
}
