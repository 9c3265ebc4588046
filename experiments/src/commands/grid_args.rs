//! Options of the commands that make the runs of a grid.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use flatland_config::presets::{self, Scale};
use flatland_config::{Chunk, DeviceName, FloatType, Overrides};

use super::runner_args::RunnerArgs;
use crate::terminal::choice;

#[derive(Debug, Clone, Args)]
#[command(after_help = "A grid file is TOML, for instance:\n\n  \
    datasets = [\"cifar10\", \"svhn\"]\n  \
    networks = [\"mlp\", { name = \"cnn\", channels = [16, 16] }]\n  \
    methods = [\"nls\", \"nls-ub\", { name = \"gd\", step_size = 0.5 }]\n  \
    losses = [\"mse\"]\n  \
    seeds = [42]\n  \
    iterations = 500\n  \
    samples = 5000\n\n\
    When the command is given again, finished runs are skipped, others are resumed where they were stopped, and those that \
    another process is making are left to it: several may work on one results folder.\n\n\
    Exit code: 0 all runs done (but for those that others make), 1 some diverged, stalled, failed or ran out of time, \
    2 wrong usage or configuration, 130 stopped by Ctrl-C (SIGINT), 143 by SIGTERM, 138 by SIGUSR1, 129 by SIGHUP.")]
pub struct GridArgs {
    /// A grid file (TOML). Without one, the quick preset.
    #[arg(value_name = "GRID.toml", conflicts_with = "preset")]
    pub grid: Option<PathBuf>,
    /// A grid that comes with the program.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(presets::names()))]
    pub preset: Option<String>,
    #[arg(
        long,
        value_name = "SCALE",
        default_value = "paper",
        conflicts_with = "grid",
        help = scale_help(),
        value_parser = choice::<Scale>()
    )]
    pub scale: Scale,
    /// Replace a key of the grid, in TOML: --set iterations=100 --set 'methods=["nls"]'
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Keep only some runs: --only network=mlp --only method=ls,nls
    #[arg(long, value_name = "KEY=VALUE")]
    pub only: Vec<String>,
    /// Where to compute; auto takes a GPU if there is a real one and this program was built for it, else flex.
    #[arg(long, value_name = "DEVICE", value_parser = choice::<DeviceName>())]
    pub device: Option<DeviceName>,
    /// Float type of parameters and data.
    #[arg(long, value_name = "DTYPE", value_parser = choice::<FloatType>())]
    pub dtype: Option<FloatType>,
    /// Samples that go through a network together; auto takes as many as --memory allows. Default: per network.
    #[arg(long, value_name = "auto|N")]
    pub chunk: Option<Chunk>,
    #[command(flatten)]
    pub runner: RunnerArgs,
    /// Folder for what the runs write.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// Make this many iterations (epochs of stochastic runs) more than the grid says, continuing where its finished
    /// runs ended. These stay; the longer runs, as if made from the start, get directories of their own.
    #[arg(long, value_name = "N")]
    pub extend: Option<NonZeroU64>,
    /// Print the runs that would be made, with their parameters, arithmetic and memory, and make none.
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: time every network on the device, in less than a minute for all, and say how long the grid would
    /// take.
    #[arg(long, requires = "dry_run")]
    pub estimate: bool,
}

impl GridArgs {
    /// Whether the grid is the default preset.
    pub fn is_default_preset(&self) -> bool {
        self.grid.is_none() && self.preset_name() == presets::DEFAULT
    }

    /// The preset that is run if no grid file is given.
    pub fn preset_name(&self) -> &str {
        self.preset.as_deref().unwrap_or(presets::DEFAULT)
    }

    /// What the options change of the grid.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            set: self.set.clone(),
            only: self.only.clone(),
            device: self.device,
            dtype: self.dtype,
            chunk: self.chunk,
            extend: self.extend.map(NonZeroU64::get),
            tuning: None,
        }
    }
}

fn scale_help() -> String {
    let names = Vec::from_iter(presets::scaled_names()).join(", ");
    format!("The size of a preset of the paper's figures and appendices ({names})")
}
