//! When checkpoints are written.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::checkpoint::{self, Checkpoint, CheckpointInterval, RunIdentity, RunPosition};

/// Keeps the checkpoints of one run.
pub(super) struct CheckpointKeeper<'a> {
    directory: &'a Path,
    identity: RunIdentity,
    interval: CheckpointInterval,
    written: Instant,
    /// Iterations begun since then.
    begun: u64,
    /// The position of the newest checkpoint.
    newest: Option<RunPosition>,
}

impl<'a> CheckpointKeeper<'a> {
    pub(super) fn new(
        directory: &'a Path,
        identity: RunIdentity,
        interval: CheckpointInterval,
    ) -> Self {
        Self {
            directory,
            identity,
            interval,
            written: Instant::now(),
            begun: 0,
            newest: None,
        }
    }

    /// Takes note of the checkpoint that the run was resumed from.
    pub(super) fn note_newest(&mut self, position: &RunPosition) {
        self.newest = Some(position.clone());
    }

    /// Whether a checkpoint is due. To be called once before each iteration.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.interval.is_over(self.begun, self.written.elapsed());
        self.begun += 1;
        is_due
    }

    /// Writes a checkpoint, unless the newest one is the same: the one before it is worth more than a second copy. The
    /// rows that it marks have to be on the disk.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let position = &checkpoint.state.place;
        if self.newest.as_ref() != Some(position) {
            checkpoint.save(self.directory, &self.identity)?;
            self.newest = Some(position.clone());
        }
        self.written = Instant::now();
        self.begun = 1;
        Ok(())
    }

    /// Keeps only the newest checkpoint, when the run has ended.
    pub(super) fn close(self) -> Result<()> {
        checkpoint::remove_previous(self.directory)
    }
}
