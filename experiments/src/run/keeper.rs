//! When checkpoints are written.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::checkpoint::{self, Checkpoint, Identity, Interval, Place};

/// Keeps the checkpoints of one run.
pub(super) struct Keeper<'a> {
    directory: &'a Path,
    identity: Identity,
    interval: Interval,
    written: Instant,
    /// Iterations begun since then.
    begun: u64,
    /// Where the newest checkpoint goes on.
    newest: Option<Place>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(directory: &'a Path, identity: Identity, interval: Interval) -> Self {
        Self {
            directory,
            identity,
            interval,
            written: Instant::now(),
            begun: 0,
            newest: None,
        }
    }

    /// Takes note of the checkpoint that the run goes on from.
    pub(super) fn note(&mut self, place: &Place) {
        self.newest = Some(place.clone());
    }

    /// Whether it is time for a checkpoint. To be asked before each iteration.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.interval.is_over(self.begun, self.written.elapsed());
        self.begun += 1;
        is_due
    }

    /// Writes a checkpoint, unless the newest one is the same: the one before it is worth more than a second copy. The
    /// rows that it counts are on the disk.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let place = &checkpoint.state.place;
        if self.newest.as_ref() != Some(place) {
            checkpoint.save(self.directory, &self.identity)?;
            self.newest = Some(place.clone());
        }
        self.written = Instant::now();
        self.begun = 1;
        Ok(())
    }

    /// Leaves the newest checkpoint alone, when the run has ended.
    pub(super) fn close(self) -> Result<()> {
        checkpoint::forget_previous(self.directory)
    }
}
