//! When checkpoints are written.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::checkpoint::{self, Checkpoint, Identity, Interval};

/// Keeps the checkpoints of one run.
pub(super) struct Keeper<'a> {
    directory: &'a Path,
    identity: Identity,
    interval: Interval,
    written: Instant,
    /// Iterations begun since then.
    begun: u64,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(directory: &'a Path, identity: Identity, interval: Interval) -> Self {
        Self {
            directory,
            identity,
            interval,
            written: Instant::now(),
            begun: 0,
        }
    }

    /// Whether it is time for a checkpoint. To be asked before each iteration.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.interval.is_over(self.begun, self.written.elapsed());
        self.begun += 1;
        is_due
    }

    /// Writes a checkpoint. The rows that it counts are on the disk.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        checkpoint.save(self.directory, &self.identity)?;
        self.written = Instant::now();
        self.begun = 1;
        Ok(())
    }

    /// Leaves the newest checkpoint alone, when the run has ended.
    pub(super) fn close(self) -> Result<()> {
        checkpoint::forget_previous(self.directory)
    }
}
