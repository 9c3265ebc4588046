//! `experiments export`: finished runs for other programs.

mod events;
#[cfg(feature = "parquet")]
mod parquet;
mod points;
pub mod tensorboard;

use std::path::Path;

use anyhow::Result;

use crate::cli::ExportArgs;
use crate::finished;
use crate::report::FinishedRun;
use crate::session::Ending;
use crate::words::counted;

/// `experiments export`
pub fn run(arguments: &ExportArgs) -> Result<Ending> {
    let mut runs = finished::read(&arguments.results)?;
    runs.retain(FinishedRun::has_begun);
    if let Some(folder) = &arguments.tensorboard {
        tensorboard::write(&runs, &arguments.results, folder)?;
        println!(
            "{} for TensorBoard: tensorboard --logdir {}",
            counted(runs.len(), "run"),
            folder.display()
        );
    }
    if let Some(file) = &arguments.parquet {
        let rows = write_parquet(&runs, file)?;
        let runs = counted(runs.len(), "run");
        println!("{runs}, {}: {}", counted(rows, "row"), file.display());
    }
    Ok(Ending::Success)
}

#[cfg(feature = "parquet")]
fn write_parquet(runs: &[FinishedRun], file: &Path) -> Result<usize> {
    parquet::write(runs, file)
}

#[cfg(not(feature = "parquet"))]
fn write_parquet(_: &[FinishedRun], file: &Path) -> Result<usize> {
    anyhow::bail!(
        "--parquet {}: this program was built without Parquet; build it with `cargo build --release --features \
         parquet`, or take `experiments table --format csv` and the runs' own CSV files",
        file.display()
    )
}
