//! A grid from first check to last picture.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use flatland_data::{Dataset, Loaded};
use indicatif::MultiProgress;
use tracing::warn;

use crate::cell::{CellConfig, FloatType};
use crate::cli::RunArgs;
use crate::device::FoundDevice;
use crate::doctor::{self, Verdict};
use crate::grid::Grid;
use crate::jobs::Jobs;
use crate::memory::{self, Chunk};
use crate::page;
use crate::plan;
use crate::presets::{self, Scale};
use crate::progress::Progress;
use crate::records::{RunFile, Status, write_whole};
use crate::report::{self, FinishedRun};
use crate::run::Means;
use crate::table;

/// How a command ended, as its exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All runs reached what they were asked for.
    Success = 0,
    /// Some runs diverged, stalled or failed.
    SomeFailed = 1,
    /// The user stopped it.
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
            let ending = conclude(&made, interrupted)?;
            if arguments.is_quick() {
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
}

/// Makes the runs of a grid that are not finished; with `--dry-run` prints them and makes none.
pub fn make(mut grid: Grid, arguments: &RunArgs, interrupted: &AtomicBool) -> Result<Option<Made>> {
    let mut device = grid.device.find(grid.dtype)?;
    grid.device = device.name;
    let mut cells = grid.cells();
    let budget = memory::budget(arguments.memory, &device);
    let plans = memory::fit(&mut cells, grid.chunk, budget, &device.device)?;
    let folder = arguments.results.join(&grid.name);
    let data = load_data(&cells, &arguments.data_dir);
    if arguments.dry_run {
        println!(
            "{}",
            plan::table(&cells, &device, budget, arguments.estimate)?
        );
        println!(
            "{} runs on {}, in {}; nothing was written. Arithmetic: a gradient as 3 losses, a Hessian product as 8, a \
             search as two trials.",
            cells.len(),
            device.description,
            folder.display()
        );
        for plan in plans {
            println!("{plan}");
        }
        if let Err(problem) = data {
            println!("not ready to run: {problem:#}");
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
            eprintln!("{plan}");
        }
    }
    if device.name.needs_doctor() {
        device.verdict = Some(consult(&device, grid.dtype, arguments)?);
    }
    eprintln!(
        "{} runs on {}, results in {}",
        cells.len(),
        device.description,
        folder.display()
    );

    let directory = |cell: &CellConfig| folder.join(cell.directory_name());
    let (finished, open): (Vec<_>, Vec<_>) =
        (cells.iter().enumerate()).partition(|(_, cell)| is_finished(&directory(cell)));
    let unmade: Vec<_> = open.iter().map(|(_, cell)| *cell).collect();
    let jobs = Jobs::plan(arguments.jobs, &unmade, budget, &device)?;
    if jobs.count > 1 {
        let Jobs { count, threads } = jobs;
        eprintln!("{count} runs at the same time, each on {threads} of the CPU's threads");
    }
    let share = budget.map(|budget| budget.share(jobs.count));
    let bars = MultiProgress::new();
    jobs.run(open.len(), |place| {
        let (index, cell) = open[place];
        let name = cell.directory_name();
        let steps = cell.steps(cell.samples);
        let mut progress = Progress::new(&bars, &name, (index + 1, cells.len()), steps);
        let need = memory::need(cell, share, device.threads(), &device.device)?;
        let file = attempt(
            cell,
            &directory(cell),
            &Means {
                data: &data[&cell.dataset],
                device: &device,
                need: &need,
                checkpoints: arguments.checkpoint_every,
                extended_by: arguments.extend.map(NonZeroU64::get),
            },
            interrupted,
            &mut progress,
        )?;
        progress.finish(&outcome(&file));
        Ok(!interrupted.load(Ordering::Relaxed))
    })?;
    let skipped = finished.len();
    if skipped > 0 {
        eprintln!(
            "{skipped} of {} runs were already finished and have been skipped",
            cells.len()
        );
    }
    Ok(Some(Made { cells, folder }))
}

/// What the doctor says of a device.
fn consult(device: &FoundDevice, dtype: FloatType, arguments: &RunArgs) -> Result<Verdict> {
    let verdict = doctor::verdict(device, dtype, &arguments.results)?;
    if !verdict.sound {
        let failed = verdict.failed.join("; ");
        anyhow::ensure!(
            arguments.despite_doctor,
            "the doctor finds {} unsound: {failed}. See `experiments doctor --device {}`, use --device flex, \
             or take the risk with --despite-doctor",
            verdict.device,
            device.name
        );
        warn!("the doctor finds {} unsound: {failed}", verdict.device);
    }
    Ok(verdict)
}

/// Whether the directory holds a run that need not be made again. A file that cannot be read is no finished run.
fn is_finished(directory: &Path) -> bool {
    match RunFile::read(directory) {
        Ok(file) => file.is_some_and(|file| file.status.is_final()),
        Err(error) => {
            warn!("{error:#}; the run is made anew");
            false
        }
    }
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
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the grid {}", path.display()))?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            Grid::read(&name, &text, &path.display().to_string(), set, only, change)?
        }
        None => {
            let name = preset.as_deref().unwrap_or("quick");
            let preset = presets::read(name, *scale).map_err(anyhow::Error::msg)?;
            for change in &preset.changes {
                eprintln!("scale: {change}");
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

/// Reads every data set of the grid, and makes sure that each cell finds its training samples there.
fn load_data(cells: &[CellConfig], folder: &Path) -> Result<HashMap<Dataset, Loaded>> {
    let mut data = HashMap::new();
    for cell in cells {
        let loaded = match data.entry(cell.dataset) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(flatland_data::load(cell.dataset, folder)?),
        };
        crate::run::training_samples(cell, loaded).with_context(|| match cell.first_per_class {
            Some(count) => format!("first_per_class = {count} on {}", cell.dataset),
            None => format!("samples = {} on {}", cell.samples, cell.dataset),
        })?;
    }
    Ok(data)
}

/// Makes one run. What goes wrong in it is recorded in its directory; only that record itself can fail.
fn attempt(
    cell: &CellConfig,
    directory: &Path,
    means: &Means<'_>,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<RunFile> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let result = catch_unwind(AssertUnwindSafe(|| {
        crate::run::execute(cell, directory, means, interrupted, progress)
    }));
    let reason = match result {
        Ok(Ok(file)) => return Ok(file),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => format!("panicked: {}", panic_message(&*panic)),
    };
    let mut file =
        RunFile::read(directory)?.with_context(|| format!("{}: {reason}", directory.display()))?;
    file.status = Status::Failed;
    file.reason = Some(reason);
    file.ended = Some(jiff::Timestamp::now());
    file.write(directory)?;
    Ok(file)
}

pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

fn outcome(file: &RunFile) -> String {
    match &file.reason {
        Some(reason) => format!("{}: {reason}", file.status),
        None => file.status.to_string(),
    }
}

/// Makes the page of a grid and says where it is. Runs are not undone by a page that cannot be written.
fn report_on(folder: &Path) {
    match page::write(folder, None) {
        Ok(path) => println!("report: {}, to be opened in a browser", path.display()),
        Err(error) => warn!("no report: {error:#}"),
    }
}

/// Prints the table, draws the pictures and tells how the grid ended.
fn conclude(made: &Made, interrupted: &AtomicBool) -> Result<Ending> {
    let Made { cells, folder } = made;
    let mut runs = Vec::new();
    for cell in cells {
        match FinishedRun::read(&folder.join(cell.directory_name())) {
            Ok(run) => runs.extend(run),
            Err(error) => warn!("{error:#}; the run is left out of the table"),
        }
    }
    let table = table::text(&runs)?;
    print!("{table}");
    if !runs.is_empty() {
        write_whole(&folder.join("summary.txt"), table.as_bytes())?;
    }
    for picture in report::pictures(&runs, folder)? {
        println!("picture: {}", picture.display());
    }
    if interrupted.load(Ordering::Relaxed) {
        eprintln!(
            "interrupted; give the same command again: finished runs are skipped, \
             what was under way goes on"
        );
        return Ok(Ending::Interrupted);
    }
    let failed = runs
        .iter()
        .filter(|run| !run.file.status.is_success())
        .count();
    if failed > 0 {
        eprintln!(
            "{failed} of {} runs did not reach their end; run.json in their folders says why",
            cells.len()
        );
        return Ok(Ending::SomeFailed);
    }
    Ok(Ending::Success)
}
