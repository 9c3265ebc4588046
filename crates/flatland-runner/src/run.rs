//! One run: train, measure, record; stop, and resume.
//!
//! A run stops only between two iterations; work in progress is discarded. Before each iteration, `Training::begin`
//! takes a [`Checkpoint`](crate::checkpoint::Checkpoint) of the state, which costs nothing since tensors are shared,
//! and writes it when one is due. Once the [stop token](crate::stop::StopToken) is raised, evaluations return NaN
//! between two chunks, searches and eigensolvers end by themselves, what they return is thrown away together with the
//! rows written since, and the checkpoint from before the iteration is written.
//!
//! The two loops are in `run/full_batch.rs` and `run/stochastic.rs`; what they have in common is in `run/training.rs`.
//! A stochastic run counts as iterations its batches and the row after each epoch. The result of a unit of work at
//! whose end the stop token is raised is not used. Errors and panics of a backend are caught outside, in `guard.rs`.

mod checkpointing;
mod context;
mod full_batch;
mod start;
mod state;
mod stochastic;
mod stop_reason;
mod training;

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flatland_config::{Init, RunConfig, Status};
use flatland_records::{
    DataFile, Owner, Provenance, ResumeSource, Resumption, RunFile, write_config,
};

use crate::checkpoint::{EpochPosition, RunIdentity, RunPosition};
use checkpointing::CheckpointKeeper;
use training::Training;

pub use context::{CheckpointPolicy, RunContext, selection, training_samples};
pub use start::check_extension;

/// Makes a run in `directory`, which exists and is locked by this process. If it holds an unfinished attempt, the run
/// is resumed, bit by bit as if it had never been stopped.
///
/// Returns soon after the run was asked to stop, at the latest when the chunk of samples in work has been through the
/// network and a checkpoint of the state before the current iteration is on the disk.
///
/// # Errors
///
/// A record cannot be written, initial weights cannot be read, or an unfinished attempt must not be resumed, such as
/// one on other data. The caller catches the panics of a backend.
pub fn execute(config: &RunConfig, directory: &Path, context: &RunContext<'_>) -> Result<RunFile> {
    let earlier = RunFile::read(directory)?;
    write_config(directory, config)?;
    let provenance = provenance(config, context)?;
    let fresh = RunFile {
        resumed: (earlier.as_ref()).map_or(Vec::new(), |file| file.resumed.clone()),
        ..RunFile::new(Status::Running, Owner::this(), provenance)
    };
    // Written before anything that can fail for lack of memory. The attempt may have to be refused: until then its
    // records are those of the earlier one, and so are its provenance and totals.
    let announced = match &earlier {
        None => fresh.clone(),
        Some(earlier) => RunFile {
            provenance: earlier.provenance.clone(),
            started: earlier.started,
            totals: earlier.totals.clone(),
            ..fresh.clone()
        },
    };
    announced.write(directory)?;
    let identity = RunIdentity::new(config, &fresh.provenance);
    let device = &context.device.device;
    let extended_by = context.checkpoints.extended_by;
    let start = start::find(config, directory, &identity, device, extended_by)?;
    let keeper = CheckpointKeeper::new(directory, identity, context.checkpoints.interval);
    let (mut run, chunks) = Training::prepare(config, directory, context, keeper, fresh)?;
    let is_new = start.source == ResumeSource::Beginning && earlier.is_none();
    let position = match start.checkpoint {
        Some(checkpoint) => run.restore(checkpoint).with_context(|| {
            format!("cannot resume from a checkpoint in {}", directory.display())
        })?,
        None if config.mini_batches.is_some() => RunPosition::Stochastic(EpochPosition::default()),
        None => RunPosition::FullBatch(0),
    };
    if matches!(
        start.source,
        ResumeSource::Checkpoint | ResumeSource::PreviousCheckpoint
    ) {
        run.keeper.note_newest(&position);
    }
    if !is_new {
        let iteration = position.iteration(run.per_epoch);
        if start.source != ResumeSource::Beginning {
            let name = config.directory_name();
            (context.observer).output(&format!("{name} resumes at iteration {iteration}"));
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
    let is_whole = match (config.mini_batches, position) {
        (None, RunPosition::FullBatch(first)) => full_batch::train(&mut run, first)?,
        (Some(batches), RunPosition::Stochastic(position)) => {
            stochastic::train(&mut run, batches, chunks, position)?
        }
        _ => bail!(
            "the checkpoint in {} is of another kind of run",
            directory.display()
        ),
    };
    if is_whole { run.finish() } else { run.stop() }
}

fn provenance(config: &RunConfig, context: &RunContext<'_>) -> Result<Provenance> {
    let initial_weights = match &config.init {
        Init::Pytorch => None,
        Init::File(path) => {
            let mut sum = blake3::Hasher::new();
            (File::open(path).and_then(|file| sum.update_reader(file).map(|_| ())))
                .with_context(|| format!("cannot read {}", path.display()))?;
            Some(sum.finalize().to_hex().to_string())
        }
    };
    let device = context.device;
    let threads = rayon::current_num_threads();
    let data = (context.data.files.iter()).map(|file| DataFile {
        path: file.location.to_string(),
        sha256: file.sha256.clone(),
        state: file.state.to_string(),
    });
    Ok(Provenance {
        doctor: device.verdict.clone(),
        data: data.collect(),
        initial_weights,
        ..Provenance::new(context.program, device.description.clone(), threads)
    })
}
