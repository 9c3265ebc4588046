//! Arguments of the commands that look after runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

use crate::checkpoint::Interval;

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

/// How runs are made, by whatever command.
#[derive(Debug, Clone, Args)]
pub struct MakingArgs {
    /// Memory that all runs at the same time may take, such as 12GB or 8GiB. Default: three quarters of what the device
    /// has. If given, a run whose process takes half as much again as its share, and 256 MB, is ended; only memory of the
    /// computer counts there, not that of a GPU.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Runs made side by side, which share the threads of the CPU. Default: one for each thread if there are more runs
    /// than threads and memory for all, else one; on a GPU one.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Minutes that each run may take, such as 90 or 0.5. It is stopped then, and the next one begins; the same command
    /// goes on with it.
    #[arg(long, value_name = "N")]
    pub max_minutes: Option<Minutes>,
    /// Make the runs in this process, for debugging: a crash ends all of them.
    #[arg(long, conflicts_with = "max_minutes")]
    pub in_process: bool,
    /// How often each run keeps its state, to go on from there after a crash: a number of iterations, a time such as 30s,
    /// 5min or 1h, or both, such as 100,5min, for whichever comes first. Stopping a run keeps it, too.
    #[arg(long, value_name = "INTERVAL", default_value = "5min")]
    pub checkpoint_every: Interval,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Run on a device that the doctor found unsound.
    #[arg(long)]
    pub despite_doctor: bool,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Say how far the runs in a folder are: state, iterations done of those asked for, how long ago the last \
        record was written, and of a run under way the process that makes it. Reasons follow below the table.\n\n\
        killed: the process that made the run has ended without a word; `experiments resume` or the grid's command goes \
        on.",
    after_help = "Exit code: 0 table printed, 2 the folder cannot be read or holds no run, or wrong usage."
)]
pub struct StatusArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Go on with unfinished runs (interrupted, failed or killed) from their directories alone, each with the \
        configuration in its config.toml. Finished runs and those that another process is making are skipped.",
    after_help = "For instance:\n  \
        experiments resume results/quick/fashion-mnist-mlp-nls-42-0123456789\n  \
        experiments resume results/quick                every unfinished run in there\n\n\
        Exit code: 0 all runs done (but for those that others make), 1 some diverged, stalled, failed, ran out of time \
        or could not be read, 2 wrong usage or no run, 130, 143, 138 or 129 stopped by SIGINT, SIGTERM, SIGUSR1 or \
        SIGHUP."
)]
pub struct ResumeArgs {
    /// Directories of runs, or folders with runs.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    #[command(flatten)]
    pub making: MakingArgs,
}

#[derive(Debug, Args)]
#[command(
    long_about = "List the unfinished runs in a folder, and remove those that are asked for. Nothing is removed without \
        --yes. Finished runs (done, converged, diverged, stalled), runs under way, and directories that are not named \
        by the configuration in them are never touched.",
    after_help = "For instance:\n  \
        experiments clean                               list what is unfinished\n  \
        experiments clean results/fig1 --failed         list what would be removed\n  \
        experiments clean results/fig1 --failed --yes   remove it\n\n\
        Exit code: 0 listed or removed, 1 some could not be removed, 2 the folder cannot be read or wrong usage."
)]
pub struct CleanArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Remove runs that failed.
    #[arg(long)]
    pub failed: bool,
    /// Remove runs that were interrupted; they could be gone on with.
    #[arg(long)]
    pub interrupted: bool,
    /// Remove runs whose process ended without a word.
    #[arg(long)]
    pub killed: bool,
    /// Remove all of these.
    #[arg(long)]
    pub unfinished: bool,
    /// Really remove them.
    #[arg(long)]
    pub yes: bool,
}

/// The rest comes through standard input.
#[derive(Debug, Args)]
pub struct CellArgs {
    #[arg(long)]
    pub directory: PathBuf,
    #[arg(long)]
    pub data_dir: PathBuf,
    #[arg(long)]
    pub threads: NonZeroUsize,
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
