//! One run: train, measure, record; stop, and go on.

mod ending;
mod full_batch;
mod keeper;
mod resume;
mod saving;
mod stochastic;
mod training;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use flatland_data::{Loaded, Samples, Selection};
use serde::{Deserialize, Serialize};

use crate::cell::{CellConfig, Init};
use crate::checkpoint::{Cursor, Identity, Interval, Place};
use crate::device::FoundDevice;
use crate::memory::Need;
use crate::progress::Progress;
use crate::records::{
    self, DataFile, Owner, Provenance, Resumption, RunFile, Source, Status, Totals,
};
use keeper::Keeper;
pub use resume::check_extension;
use training::Training;

/// What a run is made with; its numbers depend on the data alone.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    pub data: &'a Loaded,
    pub device: &'a FoundDevice,
    /// The threads and the memory that it may take.
    pub need: &'a Need,
    pub keeping: Keeping,
}

/// How a run keeps its state, and what it goes on from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Keeping {
    /// How often a checkpoint is written.
    pub checkpoints: Interval,
    /// By how many iterations, or epochs, the run extends a finished one.
    pub extended_by: Option<u64>,
}

/// Makes the run of `cell` in `directory`, which exists, is written to by this process alone, and is empty or holds an
/// unfinished attempt: that one is gone on with, bit by bit as if it had never been stopped.
///
/// Returns soon after `interrupted` was raised, at the latest when the chunk of samples under way has been through the
/// network and a checkpoint of the state before the iteration under way is on the disk.
///
/// # Errors
///
/// A record that cannot be written, initial weights that cannot be read, or an unfinished attempt that must not be gone
/// on with, such as one on other data. The caller catches the panics of a backend.
pub fn execute(
    cell: &CellConfig,
    directory: &Path,
    means: &Means<'_>,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<RunFile> {
    let earlier = RunFile::read(directory)?;
    records::write_whole(&directory.join(records::CONFIG), cell.to_toml().as_bytes())?;
    let provenance = provenance(cell, means.data, means.device)?;
    let fresh = RunFile {
        version: RunFile::VERSION,
        status: Status::Running,
        reason: None,
        owner: Some(Owner::this()),
        provenance,
        started: jiff::Timestamp::now(),
        ended: None,
        resumed: (earlier.as_ref()).map_or(Vec::new(), |file| file.resumed.clone()),
        totals: Totals::default(),
    };
    // Before anything that can fail for lack of memory. What there is may have to be refused: until then its records are
    // those of the earlier attempt, and so is what is told of them.
    let told = match &earlier {
        None => fresh.clone(),
        Some(earlier) => RunFile {
            provenance: earlier.provenance.clone(),
            started: earlier.started,
            totals: earlier.totals.clone(),
            ..fresh.clone()
        },
    };
    told.write(directory)?;
    let identity = Identity::new(cell, &fresh.provenance);
    let device = &means.device.device;
    let start = resume::find(
        cell,
        directory,
        &identity,
        device,
        means.keeping.extended_by,
    )?;
    let keeper = Keeper::new(directory, identity, means.keeping.checkpoints);
    let (mut run, chunks) = Training::prepare(cell, directory, means, keeper, fresh, interrupted)?;
    let is_new = start.source == Source::Beginning && earlier.is_none();
    let place = match start.checkpoint {
        Some(checkpoint) => run.restore(checkpoint).with_context(|| {
            format!("cannot go on from a checkpoint in {}", directory.display())
        })?,
        None if cell.mini_batches.is_some() => Place::Stochastic(Cursor::default()),
        None => Place::FullBatch(0),
    };
    if matches!(
        start.source,
        Source::Checkpoint | Source::PreviousCheckpoint
    ) {
        run.keeper.note(&place);
    }
    if !is_new {
        let iteration = place.iteration(run.per_epoch);
        if start.source != Source::Beginning {
            // Whoever has started this process may have ended.
            let _ = writeln!(
                std::io::stderr(),
                "{} goes on from iteration {iteration}",
                cell.directory_name()
            );
        }
        run.file.resumed.push(Resumption {
            at: jiff::Timestamp::now(),
            iteration,
            from: start.source,
            passed_over: start.passed_over,
            git_commit: run.file.provenance.git_commit.clone(),
        });
    }
    run.start_tables()?;
    run.file.write(directory)?;
    let is_whole = match (cell.mini_batches, place) {
        (None, Place::FullBatch(first)) => full_batch::train(&mut run, first, progress)?,
        (Some(config), Place::Stochastic(cursor)) => {
            stochastic::train(&mut run, config, chunks, cursor, progress)?
        }
        _ => bail!(
            "the checkpoint in {} is of another kind of run",
            directory.display()
        ),
    };
    match is_whole {
        true => run.finish(),
        false => run.stop(),
    }
}

/// The training samples of a cell.
pub fn training_samples(cell: &CellConfig, data: &Loaded) -> Result<Samples> {
    let selection = selection(cell.first_per_class, cell.samples, cell.seed);
    Ok(data.train.select(selection)?)
}

/// The first so many samples of each class, or a stratified subset.
pub fn selection(first_per_class: Option<usize>, samples: usize, seed: u64) -> Selection {
    match first_per_class {
        Some(count) => Selection::FirstPerClass(count),
        None => Selection::Stratified { samples, seed },
    }
}

fn provenance(cell: &CellConfig, data: &Loaded, device: &FoundDevice) -> Result<Provenance> {
    let initial_weights = match &cell.init {
        Init::Pytorch => None,
        Init::File(path) => {
            let mut sum = blake3::Hasher::new();
            (File::open(path).and_then(|file| sum.update_reader(file).map(|_| ())))
                .with_context(|| format!("cannot read {}", path.display()))?;
            Some(sum.finalize().to_hex().to_string())
        }
    };
    Ok(Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: env!("FLATLAND_GIT_COMMIT").to_owned(),
        device: device.description.clone(),
        doctor: device.verdict.clone(),
        threads: rayon::current_num_threads(),
        parameters: None,
        train_samples: None,
        test_samples: None,
        data: (data.files.iter())
            .map(|file| DataFile {
                path: file.location.to_string(),
                sha256: file.sha256.clone(),
                state: file.state.to_string(),
            })
            .collect(),
        initial_weights,
    })
}
