//! A grid from first check to last picture.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow};
use flatland_data::{Dataset, Loaded};
use tracing::warn;

use crate::cell::{CellConfig, FloatType};
use crate::cli::RunArgs;
use crate::device::FoundDevice;
use crate::doctor;
use crate::grid::{self, Grid};
use crate::making::{Outcome, Task, Workshop};
use crate::memory::{self, Chunk};
use crate::page;
use crate::plan;
use crate::presets::{self, Scale};
use crate::records::{RunFile, write_whole};
use crate::report::{self, FinishedRun};
use crate::say::{say, show};
use crate::status;
use crate::table;
use crate::words::counted;

/// How a command ended, as its exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All runs reached what they were asked for.
    Success = 0,
    /// Some runs diverged, stalled, failed or ran out of time.
    SomeFailed = 1,
    /// A signal stopped it; which, [`Stop`](crate::signals::Stop) knows.
    Interrupted = 130,
}

/// `experiments run`
pub fn run(arguments: &RunArgs, interrupted: &AtomicBool) -> Result<Ending> {
    let grid = read_grid(arguments, |grid| {
        if let Some(more) = arguments.extend {
            grid.extend(more.get());
        }
    })?;
    match make(grid, arguments, interrupted)? {
        Some(made) => {
            let ending = conclude(&made, interrupted);
            if arguments.is_quick() && ending != Ending::Interrupted {
                report_on(&made.folder);
            }
            Ok(ending)
        }
        None => Ok(Ending::Success),
    }
}

/// The runs of a grid, as far as they were made before the user stopped.
pub struct Made {
    pub cells: Vec<CellConfig>,
    /// Holds the runs' directories.
    pub folder: PathBuf,
    /// What became of each cell; nothing of those that were not begun.
    outcomes: Vec<Option<Outcome>>,
}

/// Makes the runs of a grid that are not finished; with `--dry-run` prints them and makes none.
pub fn make(mut grid: Grid, arguments: &RunArgs, interrupted: &AtomicBool) -> Result<Option<Made>> {
    let mut device = grid.device.find(grid.dtype)?;
    grid.device = device.name;
    let mut cells = grid.cells();
    let budget = memory::budget(arguments.making.memory, &device);
    let plans = memory::fit(&mut cells, grid.chunk, budget, &device.device)?;
    let folder = arguments.results.join(&grid.name);
    let data = load_data(
        &cells,
        &arguments.making.data_dir,
        arguments.making.in_process,
    );
    if arguments.dry_run {
        show!(
            "{}",
            plan::table(&cells, &device, budget, arguments.estimate)?
        );
        show!(
            "{} on {}, in {}; nothing was written. Arithmetic: a gradient as 3 losses, a Hessian product as 8, a \
             search as two trials.",
            counted(cells.len(), "run"),
            device.description,
            folder.display()
        );
        for plan in plans {
            show!("{plan}");
        }
        if let Err(problem) = data {
            show!("not ready to run: {problem:#}");
        }
        return Ok(None);
    }
    let data = data?;
    if let Some(more) = arguments.extend {
        crate::run::check_extension(&cells, &folder, more.get())?;
    }
    let is_cut = cells.iter().any(|cell| cell.lanczos_basis.is_some());
    if grid.chunk == Chunk::Auto || is_cut {
        for plan in plans {
            say!("{plan}");
        }
    }
    consult(
        &mut device,
        grid.dtype,
        &arguments.results,
        arguments.making.despite_doctor,
    )?;
    say!(
        "{} on {}, results in {}",
        counted(cells.len(), "run"),
        device.description,
        folder.display()
    );
    let extended_by = arguments.extend.map(NonZeroU64::get);
    let workshop = Workshop::new(
        &arguments.making,
        &device,
        budget,
        data.as_ref(),
        extended_by,
    );
    let outcomes = make_open(&cells, &folder, &workshop, interrupted)?;
    Ok(Some(Made {
        cells,
        folder,
        outcomes,
    }))
}

/// Makes the cells that are not finished. Returns what became of each, nothing of those that were not begun.
fn make_open(
    cells: &[CellConfig],
    folder: &Path,
    workshop: &Workshop<'_>,
    interrupted: &AtomicBool,
) -> Result<Vec<Option<Outcome>>> {
    let mut outcomes = vec![None; cells.len()];
    let mut open = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let directory = folder.join(cell.directory_name());
        // A file that cannot be read is no finished run; who makes it tells.
        match RunFile::read(&directory).ok().flatten() {
            Some(file) if file.status.is_final() => {
                outcomes[index] = Some(Outcome::Finished(file.status));
            }
            _ => open.push(Task {
                cell,
                directory,
                place: (index + 1, cells.len()),
            }),
        }
    }
    let made = workshop.make(&open, interrupted)?;
    let skipped = cells.len() - open.len();
    for (task, outcome) in open.iter().zip(made) {
        outcomes[task.place.0 - 1] = outcome;
    }
    if skipped > 0 {
        say!(
            "{skipped} of {} runs were already finished and have been skipped",
            cells.len()
        );
    }
    Ok(outcomes)
}

/// Asks the doctor about a device that needs it, once for every device and build.
///
/// # Errors
///
/// It finds the device unsound, and the user has not said to use it all the same.
pub fn consult(
    device: &mut FoundDevice,
    dtype: FloatType,
    results: &Path,
    despite: bool,
) -> Result<()> {
    if !device.name.needs_doctor() {
        return Ok(());
    }
    let verdict = doctor::verdict(device, dtype, results)?;
    if !verdict.sound {
        let failed = verdict.failed.join("; ");
        anyhow::ensure!(
            despite,
            "the doctor finds {} unsound: {failed}. See `experiments doctor --device {}`, use --device flex, \
             or take the risk with --despite-doctor",
            verdict.device,
            device.name
        );
        warn!("the doctor finds {} unsound: {failed}", verdict.device);
    }
    device.verdict = Some(verdict);
    Ok(())
}

/// Reads the grid that the arguments name, changed by `change` before its methods are checked.
pub fn read_grid(arguments: &RunArgs, change: impl FnOnce(&mut Grid)) -> Result<Grid> {
    let RunArgs {
        grid,
        preset,
        scale,
        set,
        only,
        ..
    } = arguments;
    let mut grid = match grid {
        Some(path) => {
            let origin = path.display().to_string();
            let bytes = std::fs::read(path).with_context(|| {
                format!(
                    "cannot read the grid {origin}: give a file, or --preset for a grid that comes with the program"
                )
            })?;
            let text = grid::text(bytes).map_err(|problem| anyhow!("{origin}: {problem}"))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            Grid::read(&name, &text, &origin, set, only, change)?
        }
        None => {
            let name = preset.as_deref().unwrap_or("quick");
            let preset = presets::read(name, *scale).map_err(anyhow::Error::msg)?;
            for change in &preset.changes {
                say!("scale: {change}");
            }
            let folder = match scale {
                Scale::Paper => name.to_owned(),
                scale => format!("{name}-{}", scale.name()),
            };
            let origin = format!("preset {name}");
            Grid::read(&folder, &preset.text, &origin, set, only, change)?
        }
    };
    grid.device = arguments.device.unwrap_or(grid.device);
    grid.dtype = arguments.dtype.unwrap_or(grid.dtype);
    grid.chunk = arguments.chunk.unwrap_or(grid.chunk);
    Ok(grid)
}

/// Reads every data set of the cells, and makes sure that each cell finds its training samples there. The data are kept
/// only if the cells are made in this process.
pub fn load_data(
    cells: &[CellConfig],
    folder: &Path,
    keep: bool,
) -> Result<Option<HashMap<Dataset, Loaded>>> {
    let mut kept = HashMap::new();
    let mut datasets: Vec<Dataset> = Vec::new();
    for cell in cells {
        if !datasets.contains(&cell.dataset) {
            datasets.push(cell.dataset);
        }
    }
    for dataset in datasets {
        let loaded = flatland_data::load(dataset, folder)?;
        for cell in cells.iter().filter(|cell| cell.dataset == dataset) {
            crate::run::training_samples(cell, &loaded).with_context(|| {
                match cell.first_per_class {
                    Some(count) => format!("first_per_class = {count} on {dataset}"),
                    None => format!("samples = {} on {dataset}", cell.samples),
                }
            })?;
        }
        if keep {
            kept.insert(dataset, loaded);
        }
    }
    Ok(keep.then_some(kept))
}

pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// Makes the page of a grid and says where it is. Runs are not undone by a page that cannot be written.
fn report_on(folder: &Path) {
    match page::write(folder, None) {
        Ok(path) => show!("report: {}, to be opened in a browser", path.display()),
        Err(error) => warn!("no report: {error:#}"),
    }
}

/// Prints the table, draws the pictures and tells how the grid ended. Runs are not undone by a folder that cannot be
/// written to. After a signal there is no time to read all records: how far each run is must do.
fn conclude(made: &Made, interrupted: &AtomicBool) -> Ending {
    let Made { cells, folder, .. } = made;
    let names = cells.iter().map(CellConfig::directory_name);
    if interrupted.load(Ordering::Relaxed) {
        if let Some(table) = status::overview(folder, names.clone()) {
            show!("{table}");
        }
        return ending(names.zip(&made.outcomes), interrupted);
    }
    let mut runs = Vec::new();
    for cell in cells {
        match FinishedRun::read(&folder.join(cell.directory_name())) {
            Ok(run) => runs.extend(run),
            Err(error) => warn!("{error:#}; the run is left out of the table"),
        }
    }
    let summarized = table::text(&runs).and_then(|table| {
        show!("{}", table.trim_end_matches('\n'));
        match runs.is_empty() {
            true => Ok(()),
            false => write_whole(&folder.join("summary.txt"), table.as_bytes()),
        }
    });
    if let Err(error) = summarized {
        warn!("no summary: {error:#}");
    }
    match report::pictures(&runs, folder) {
        Ok(pictures) => {
            for picture in pictures {
                show!("picture: {}", picture.display());
            }
        }
        Err(error) => warn!("not all pictures: {error:#}"),
    }
    ending(names.zip(&made.outcomes), interrupted)
}

/// Tells how cells ended, each with what became of it, which is nothing if it was not begun.
pub fn ending<'a>(
    cells: impl ExactSizeIterator<Item = (String, &'a Option<Outcome>)>,
    interrupted: &AtomicBool,
) -> Ending {
    let count = cells.len();
    let (mut failed, mut elsewhere) = (0, Vec::new());
    for (name, outcome) in cells {
        match outcome {
            Some(Outcome::Elsewhere(owner)) => elsewhere.push((name, owner)),
            Some(outcome) if outcome.is_failure() => failed += 1,
            _ => {}
        }
    }
    if !elsewhere.is_empty() {
        say!(
            "{} of {count} runs are being made by others:",
            elsewhere.len()
        );
        for (name, owner) in elsewhere {
            let owner = owner.as_ref().map(ToString::to_string);
            say!(
                "  {name} by {}",
                owner.as_deref().unwrap_or("another process")
            );
        }
    }
    if interrupted.load(Ordering::Relaxed) {
        say!(
            "interrupted; give the same command again: finished runs are skipped, \
             what was under way goes on"
        );
        return Ending::Interrupted;
    }
    if failed > 0 {
        say!(
            "{failed} of {count} runs did not reach their end; run.json in their folders says why"
        );
        return Ending::SomeFailed;
    }
    Ending::Success
}
