//! Arguments of `experiments tune`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::RunArgs;

/// A method whose fixed step size can be tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tunable {
    Sam,
    Gd,
}

impl Tunable {
    /// Its name in a grid.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sam => "sam",
            Self::Gd => "gd",
        }
    }
}

/// What makes a step size the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The lowest training loss after the last step.
    Loss,
    /// The highest test accuracy after the last step.
    Accuracy,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Find the best step size of SAM or gradient descent for every data set, network and loss of a grid: \
        a short run of each candidate with the grid's first seed, in results/tune-<grid>/. Prints all of them and \
        merges the best, with the others beside it, into a file from which a grid takes it with \
        { name = \"sam\", step_size = \"tuned\" }.",
    after_help = "Finished runs are skipped when the command is given again. A run that diverged or failed is never \
        the best.\n\n\
        Exit code: 0 every step size chosen, 1 some not, 2 wrong usage or configuration, 130, 143, 138 or 129 \
        stopped by SIGINT, SIGTERM, SIGUSR1 or SIGHUP."
)]
pub struct TuneArgs {
    /// The method; the other options are those that the grid names it with.
    #[arg(value_name = "METHOD")]
    pub method: Tunable,
    /// Step sizes to try. Default: 1e-4,1e-3,1e-2,1e-1 for sam, as in the paper; 0.01,0.1,1,10 for gd.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub step_sizes: Vec<f64>,
    /// Iterations of each run, in place of the grid's.
    #[arg(long, value_name = "N", default_value = "100")]
    pub iterations: NonZeroU64,
    /// What makes a step size the best.
    #[arg(long, value_name = "WHAT", default_value = "loss")]
    pub by: Criterion,
    /// The file for the step sizes; entries of other problems in it are kept.
    #[arg(short, long, value_name = "FILE", default_value = crate::tune::DEFAULT)]
    pub output: PathBuf,
    #[command(flatten)]
    pub run: RunArgs,
}
