//! Arguments of `experiments run`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::MakingArgs;
use crate::cell::FloatType;
use crate::device::DeviceName;
use crate::memory::Chunk;
use crate::presets::{self, Scale};

#[derive(Debug, Clone, Args)]
#[command(after_help = "A grid file is TOML, for instance:\n\n  \
    datasets = [\"cifar10\", \"svhn\"]\n  \
    networks = [\"mlp\", { name = \"cnn\", channels = [16, 16] }]\n  \
    methods = [\"nls\", \"nls-ub\", { name = \"gd\", step_size = 0.5 }]\n  \
    losses = [\"mse\"]\n  \
    seeds = [42]\n  \
    iterations = 500\n  \
    samples = 5000\n\n\
    When the command is given again, finished runs are skipped, others go on where they were stopped, and those that \
    another process is making are left to it: several may work on one results folder.\n\n\
    Exit code: 0 all runs done (but for those that others make), 1 some diverged, stalled, failed or ran out of time, \
    2 wrong usage or configuration, 130 stopped by Ctrl-C (SIGINT), 143 by SIGTERM, 138 by SIGUSR1, 129 by SIGHUP.")]
pub struct RunArgs {
    /// A grid file (TOML). Without one, the quick preset.
    #[arg(value_name = "GRID.toml", conflicts_with = "preset")]
    pub grid: Option<PathBuf>,
    /// A grid that comes with the program.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(presets::names()))]
    pub preset: Option<String>,
    /// The size of a preset of the paper's figures (fig1 to fig4) and appendices (appD, appE, appF, appG, appH, appJ).
    #[arg(
        long,
        value_name = "SCALE",
        default_value = "paper",
        conflicts_with = "grid"
    )]
    pub scale: Scale,
    /// Replace a key of the grid, in TOML: --set iterations=100 --set 'methods=["nls"]'
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Keep only some cells: --only network=mlp --only method=ls,nls
    #[arg(long, value_name = "KEY=VALUE")]
    pub only: Vec<String>,
    /// Where to compute; auto takes a GPU if there is a real one and this program was built for it, else flex.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// Float type of parameters and data.
    #[arg(long, value_name = "DTYPE")]
    pub dtype: Option<FloatType>,
    /// Samples that go through a network together; auto takes as many as --memory allows. Default: per network.
    #[arg(long, value_name = "auto|N")]
    pub chunk: Option<Chunk>,
    #[command(flatten)]
    pub making: MakingArgs,
    /// Folder for what the runs write.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// Make so many more iterations (of stochastic runs, epochs) than the grid says, going on from where its finished
    /// runs ended. These stay; the longer runs, as if made from the start, get directories of their own.
    #[arg(long, value_name = "N")]
    pub extend: Option<NonZeroU64>,
    /// Print the runs that would be made, with their parameters, arithmetic and memory, and make none.
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: time one chunk of every network on the device, and say how long the grid would take.
    #[arg(long, requires = "dry_run")]
    pub estimate: bool,
}

impl RunArgs {
    /// Whether the grid is the quick preset.
    pub fn is_quick(&self) -> bool {
        self.grid.is_none() && self.preset.as_deref().unwrap_or("quick") == "quick"
    }
}
