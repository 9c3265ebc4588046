//! `experiments run`: a grid from its check to its last picture.

use std::path::Path;

use anyhow::Result;
use flatland_config::RunConfig;
use flatland_records::RunRecords;
use flatland_records::disk::write_whole;
use flatland_report::summary::summary_text;
use flatland_report::{page, pictures};
use flatland_runner::stop::StopToken;
use tracing::warn;

use super::grid_args::GridArgs;
use super::status;
use crate::exit::Ending;
use crate::grid_run::{self, GridRun};
use crate::terminal::show;

/// `experiments run`
pub fn run(arguments: &GridArgs, stop: &StopToken) -> Result<Ending> {
    let grid = grid_run::read_grid(arguments, &arguments.overrides())?;
    match grid_run::make(&grid, arguments, stop)? {
        Some(made) => {
            let ending = conclude(&made, stop);
            if arguments.is_default_preset() && ending != Ending::Interrupted {
                write_page(&made.folder);
            }
            Ok(ending)
        }
        None => Ok(Ending::Success),
    }
}

/// Writes the page of a grid. Runs are not undone by a page that cannot be written.
fn write_page(folder: &Path) {
    match page::write(folder, None) {
        Ok(path) => show!("report: {}, to be opened in a browser", path.display()),
        Err(error) => warn!("no report: {error:#}"),
    }
}

/// Prints the table, draws the pictures and says how the grid ended. Runs are not undone by a folder that cannot be
/// written to. After a signal there is no time to read all records, so it only says how far each run is.
fn conclude(made: &GridRun, stop: &StopToken) -> Ending {
    let GridRun { runs, folder, .. } = made;
    let names = runs.iter().map(RunConfig::directory_name);
    if stop.is_stopped() {
        if let Some(table) = status::overview(folder, names.clone()) {
            show!("{table}");
        }
        return grid_run::ending(names.zip(&made.outcomes), stop);
    }
    let mut records = Vec::new();
    for run in runs {
        match RunRecords::read(&folder.join(run.directory_name())) {
            Ok(run) => records.extend(run),
            Err(error) => warn!("{error:#}; the run is left out of the table"),
        }
    }
    if let Err(error) = write_summary(&records, folder) {
        warn!("no summary: {error:#}");
    }
    match pictures(&records, folder) {
        Ok(pictures) => {
            for picture in pictures {
                show!("picture: {}", picture.display());
            }
        }
        Err(error) => warn!("not all pictures: {error:#}"),
    }
    grid_run::ending(names.zip(&made.outcomes), stop)
}

/// Prints the table, and writes it beside the runs.
fn write_summary(records: &[RunRecords], folder: &Path) -> Result<()> {
    let table = summary_text(records)?;
    show!("{}", table.trim_end_matches('\n'));
    if records.is_empty() {
        return Ok(());
    }
    write_whole(&folder.join("summary.txt"), table.as_bytes())
}
