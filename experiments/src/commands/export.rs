//! `experiments export`: finished runs for other programs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use flatland_records::RunRecords;
use flatland_records::folder::read_runs;
use flatland_records::text::counted;
use flatland_report::export::tensorboard;

use crate::exit::Ending;
use crate::terminal::show;

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("target").required(true).multiple(true).args(["tensorboard", "parquet"]),
    long_about = "Hand finished runs to other programs, from their records.\n\n\
        --tensorboard writes an event file for each run, in folders named like those of the runs: a line for each \
        number, by iteration, and the configuration as text. TensorBoard keeps single precision.\n\n\
        --parquet writes one table with a row for each run and iteration, in double precision: the run's directory, \
        data set, network, method, seed, status and configuration, then what was recorded at the iteration; what was \
        not is null. The row after the last step holds the final numbers.\n\n\
        What cannot be read is named and left out. Files of an earlier export are replaced.",
    after_help = "For instance:\n  \
        experiments export results/fig1 --tensorboard events && tensorboard --logdir events\n  \
        experiments export results --parquet runs.parquet\n  \
        python -c 'import pandas; print(pandas.read_parquet(\"runs.parquet\"))'\n\n\
        Exit code: 0 all written, 2 no run could be read, a file could not be written, or wrong usage."
)]
pub struct ExportArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Folder for TensorBoard's event files.
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// File for the Parquet table; needs a program built with the Cargo feature parquet.
    #[arg(long, value_name = "FILE")]
    pub parquet: Option<PathBuf>,
}

/// `experiments export`
pub fn run(arguments: &ExportArgs) -> Result<Ending> {
    let mut runs = read_runs(&arguments.results)?;
    runs.retain(RunRecords::has_begun);
    if let Some(folder) = &arguments.tensorboard {
        tensorboard::write(&runs, &arguments.results, folder)?;
        show!(
            "{} for TensorBoard: tensorboard --logdir {}",
            counted(runs.len(), "run"),
            folder.display()
        );
    }
    if let Some(file) = &arguments.parquet {
        let rows = write_parquet(&runs, file)?;
        let runs = counted(runs.len(), "run");
        show!("{runs}, {}: {}", counted(rows, "row"), file.display());
    }
    Ok(Ending::Success)
}

#[cfg(feature = "parquet")]
fn write_parquet(runs: &[RunRecords], file: &Path) -> Result<usize> {
    flatland_report::export::parquet::write(runs, file)
}

#[cfg(not(feature = "parquet"))]
fn write_parquet(_: &[RunRecords], file: &Path) -> Result<usize> {
    anyhow::bail!(
        "--parquet {}: this program was built without Parquet; build it with `cargo build --release --features \
         parquet`, or take `experiments table --format csv` and the runs' own CSV files",
        file.display()
    )
}
