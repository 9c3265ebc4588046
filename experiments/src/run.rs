//! One run: train, measure, record.

mod ending;
mod full_batch;
mod stochastic;
mod training;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use flatland_data::{Loaded, Samples, Selection};

use crate::cell::{CellConfig, Init};
use crate::device::FoundDevice;
use crate::memory::Need;
use crate::progress::Progress;
use crate::records::{self, DataFile, Owner, Provenance, RunFile, Status, Totals};
use training::Training;

/// Makes the run of `cell` in `directory`, which exists and is empty or holds an unfinished attempt. The
/// numbers do not depend on the threads and the memory that it may take by `need`.
///
/// # Errors
///
/// A record that cannot be written, or initial weights that cannot be read. The caller catches the panics of a
/// backend.
pub fn execute(
    cell: &CellConfig,
    directory: &Path,
    data: &Loaded,
    device: &FoundDevice,
    need: &Need,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<RunFile> {
    records::write_whole(&directory.join(records::CONFIG), cell.to_toml().as_bytes())?;
    let file = RunFile {
        status: Status::Running,
        reason: None,
        owner: Some(Owner::this()),
        provenance: provenance(cell, data, device)?,
        started: jiff::Timestamp::now(),
        ended: None,
        totals: Totals::default(),
    };
    file.write(directory)?; // before anything that can fail for lack of memory
    let (mut run, chunks) = Training::prepare(cell, directory, data, device, need, file)?;
    run.file.write(directory)?;
    match cell.mini_batches {
        None => full_batch::train(&mut run, interrupted, progress)?,
        Some(config) => stochastic::train(&mut run, config, chunks, interrupted, progress)?,
    }
    run.finish()
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
            let bytes =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(blake3::hash(&bytes).to_hex().to_string())
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
