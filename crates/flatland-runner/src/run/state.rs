//! Saving the state of a run in a checkpoint, and restoring it.

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;
use flatland_config::Status;
use flatland_records::{RunFile, TableWriter};

use super::training::Training;
use crate::checkpoint::{Checkpoint, RunPosition, SharpnessNumbers, State};
use crate::stop::StopCause;

/// The names of the tensors in a checkpoint. A group has this name before the number or the name of a member.
const POINT: &str = "point";
const BUFFER: &str = "method.buffer";
const SHARPNESS: &str = "sharpness";
const EIGENVECTORS: &str = "diagnostics";
const RUNNING: &str = "running";

impl Training<'_> {
    /// Keeps the state before the iteration at `place`, and writes a checkpoint of it if one is due. Returns `false` if
    /// the run has to [stop](Self::stop) instead.
    pub(super) fn begin(&mut self, place: RunPosition) -> Result<bool> {
        self.before = None; // its tensors are not needed any more
        let before = self.checkpoint(place);
        let is_stopped = self.is_stopped();
        if !is_stopped && self.keeper.is_due() {
            self.tables.sync()?;
            self.keeper.save(&before)?;
        }
        self.before = Some(before);
        Ok(!is_stopped)
    }

    /// Ends the run, which was asked to stop, in the state before the current iteration.
    pub(super) fn stop(self) -> Result<RunFile> {
        let Self {
            before,
            mut keeper,
            tables,
            mut file,
            directory,
            per_epoch,
            stop,
            ..
        } = self;
        let before = before.context("a run stops in an iteration")?;
        let state = &before.state;
        tables.end_at(&state.marks)?;
        keeper.save(&before)?;
        file.status = Status::Interrupted;
        file.reason = Some(format!(
            "stopped by {} before iteration {}; the same command resumes it there",
            stop.cause().unwrap_or(StopCause::User),
            state.place.iteration(per_epoch)
        ));
        file.totals = state.totals.clone();
        file.ended = Some(jiff::Timestamp::now());
        file.write(directory)?;
        Ok(file)
    }

    fn checkpoint(&self, place: RunPosition) -> Checkpoint {
        let (method, buffer) = self.method.state();
        let (eigenvectors, waiting) = self.diagnostics.state();
        let numbered = |group: &str, vectors: &[Tensor<1>]| -> Vec<(String, Tensor<1>)> {
            (vectors.iter().enumerate())
                .map(|(index, vector)| (format!("{group}.{index}"), vector.clone()))
                .collect()
        };
        let mut tensors = vec![(POINT.to_owned(), self.point.clone())];
        tensors.extend(buffer.map(|buffer| (BUFFER.to_owned(), buffer)));
        if let Some(measured) = &self.sharpness {
            tensors.extend(numbered(SHARPNESS, &measured.vectors));
        }
        tensors.extend(numbered(EIGENVECTORS, &eigenvectors));
        for (name, tensor) in self
            .objective
            .running_statistics()
            .into_iter()
            .flat_map(|r| r.tensors())
        {
            tensors.push((format!("{RUNNING}.{name}"), tensor.clone()));
        }
        Checkpoint {
            state: State {
                started: self.file.started,
                place,
                totals: self.file.totals.clone(),
                method,
                steps: self.objective.steps(),
                sharpness: self.sharpness.as_ref().map(SharpnessNumbers::of),
                waiting,
                marks: self.tables.marks(),
            },
            tensors,
        }
    }

    /// Restores the state of a checkpoint of the same run.
    pub(super) fn restore(&mut self, checkpoint: Checkpoint) -> Result<RunPosition> {
        let point = checkpoint.tensor(POINT).context("it holds no point")?;
        ensure!(
            point.dims() == self.point.dims() && point.dtype() == self.point.dtype(),
            "its point does not fit the network"
        );
        self.point = point;
        let running = self.objective.running_statistics().cloned();
        let running = (running.unwrap_or_default())
            .with_tensors(|name| checkpoint.tensor(&format!("{RUNNING}.{name}")))
            .map_err(|name| anyhow::anyhow!("it holds no {name}"))?;
        let sharpness = checkpoint.group(SHARPNESS);
        let eigenvectors = checkpoint.group(EIGENVECTORS);
        let buffer = checkpoint.tensor(BUFFER);
        let State {
            started,
            place,
            totals,
            method,
            steps,
            sharpness: numbers,
            waiting,
            marks,
        } = checkpoint.state;
        self.objective.resume_after(steps, running);
        let running_method = self.method.clone().with_state(method, buffer);
        self.method = running_method.context("its method is another one")?;
        self.sharpness = numbers.map(|numbers| numbers.with_vectors(sharpness));
        self.diagnostics.resume(eigenvectors, waiting);
        self.tables = TableWriter::resume(self.directory, &marks)?;
        self.file.started = started;
        self.file.totals = totals;
        Ok(place)
    }
}
