//! What a scheduler is given.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flatland_config::RunConfig;
use flatland_data::{Dataset, Loaded};
use flatland_records::Program;

use crate::device::FoundDevice;
use crate::memory::Budget;
use crate::observer::Observer;
use crate::run::CheckpointPolicy;
use crate::stop::StopToken;

/// A run to be made.
pub struct RunTask<'a> {
    /// Its configuration.
    pub config: &'a RunConfig,
    /// Its directory.
    pub directory: PathBuf,
    /// Its number among all runs of the grid, from 1.
    pub number: usize,
    /// The number of all runs of the grid.
    pub count: usize,
}

/// Makes runs.
pub struct Scheduler<'a> {
    /// The device of all runs.
    pub device: &'a FoundDevice,
    /// The memory for all runs at a time.
    pub budget: Option<Budget>,
    /// How many runs are made at a time. By default one for each CPU thread if there are more runs than threads.
    pub jobs: Option<NonZeroUsize>,
    /// How long each run may take.
    pub time_limit: Option<Duration>,
    /// The data, if the runs are made in this process.
    pub in_process: Option<&'a HashMap<Dataset, Loaded>>,
    /// The command that starts the process of the run in a directory, on a number of CPU threads.
    /// [`child::make`](crate::process::child::make) answers it.
    pub child_command: &'a (dyn Fn(&Path, usize) -> io::Result<Command> + Sync),
    /// How runs keep their state.
    pub checkpoints: CheckpointPolicy,
    /// This program.
    pub program: &'a Program,
    /// Asks the runs to stop.
    pub stop: &'a StopToken,
    /// Hears of the runs.
    pub observer: &'a dyn Observer,
}
