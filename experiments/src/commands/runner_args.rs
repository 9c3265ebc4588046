//! Options of the commands that make runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use flatland_runner::checkpoint::CheckpointInterval;

/// A time limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minutes(Duration);

impl Minutes {
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Minutes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        (text.parse::<f64>().ok())
            .filter(|&minutes| minutes > 0.0)
            .and_then(|minutes| Duration::try_from_secs_f64(60.0 * minutes).ok())
            .map(Self)
            .ok_or_else(|| "expected a number of minutes above 0, such as 90 or 0.5".to_owned())
    }
}

/// Options of every command that makes runs.
#[derive(Debug, Clone, Args)]
pub struct RunnerArgs {
    /// Memory that all runs at the same time may take, such as 12GB or 8GiB. Default: three quarters of what the device
    /// has. If given, a run whose process takes half as much again as its share, and 256 MB, is ended; only memory of
    /// the computer counts there, not that of a GPU.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Runs made side by side, which share the threads of the CPU. Default: one for each thread if there are more runs
    /// than threads and memory for all, else one; on a GPU one.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Minutes that each run may take, such as 90 or 0.5. It is stopped then, and the next one begins; the same command
    /// resumes it.
    #[arg(long, value_name = "N")]
    pub max_minutes: Option<Minutes>,
    /// Make the runs in this process, for debugging: a crash ends all of them.
    #[arg(long, conflicts_with = "max_minutes")]
    pub in_process: bool,
    /// How often each run saves a checkpoint, from which it is resumed after a crash: a number of iterations, a time
    /// such as 30s, 5min or 1h, or both, such as 100,5min, for whichever comes first. Stopping a run saves one, too.
    #[arg(long, value_name = "INTERVAL", default_value = "5min")]
    pub checkpoint_every: CheckpointInterval,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Run on a device that the doctor found unsound.
    #[arg(long, alias = "despite-doctor")]
    pub allow_unsound_device: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_positive_and_finite() {
        let limit: Minutes = "0.5".parse().unwrap();
        assert_eq!(limit.duration(), Duration::from_secs(30));
        for text in ["0", "-1", "NaN", "inf", "1e300", "5min", ""] {
            assert!(text.parse::<Minutes>().is_err(), "{text}");
        }
    }
}
