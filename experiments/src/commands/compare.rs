//! `experiments compare`: runs side by side.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use flatland_records::folder::read_every_run;
use flatland_report::compare::compare;
use flatland_report::summary::TableFormat;

use crate::exit::Ending;
use crate::terminal::{choice, print_to};

#[derive(Debug, Args)]
#[command(
    long_about = "Hold runs side by side: the settings in which they differ, their results, and the iteration, the \
        function evaluations and the time at which each was first at a loss or below it. Time is that of stepping, \
        without measurements. Of a stochastic run, losses are those on all samples, after an epoch.",
    after_help = "For instance:\n  \
        experiments compare results/quick/fashion-mnist-mlp-*\n  \
        experiments compare results/quick/fashion-mnist-mlp-nls-* results/quick/fashion-mnist-mlp-ls-* --loss 0.05\n\n\
        Exit code: 0 comparison printed, 2 not two runs that can be read, or wrong usage."
)]
pub struct CompareArgs {
    /// Directories of runs, or folders with runs.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The loss to be reached. Default: the worst final loss among the runs that got to their end, if all are of one
    /// data set, network and loss function.
    #[arg(long, value_name = "X")]
    pub loss: Option<f64>,
    /// What the comparison is written as.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = choice::<TableFormat>())]
    pub format: TableFormat,
}

/// `experiments compare`
pub fn run(arguments: &CompareArgs) -> Result<Ending> {
    let runs = read_every_run(&arguments.runs)?;
    ensure!(
        runs.len() > 1,
        "{} is the only run to compare: give two directories of runs or more, or a folder that holds several",
        runs[0].directory.display()
    );
    if let Some(loss) = arguments.loss {
        ensure!(
            loss.is_finite() && loss > 0.0,
            "--loss {loss}: give a number above 0, such as 0.05"
        );
    }
    let text = compare(&runs, arguments.loss, arguments.format)?;
    print_to(&mut std::io::stdout(), &text);
    Ok(Ending::Success)
}
