//! A run's way into a checkpoint, and back.

use anyhow::{Context, Result, ensure};
use burn::tensor::Tensor;

use super::training::Training;
use crate::checkpoint::{Checkpoint, Place, SharpnessNumbers, State};
use crate::records::{RunFile, Status, Tables};

/// The names of tensors in a checkpoint; of groups, what precedes the number or the name of a member.
const POINT: &str = "point";
const BUFFER: &str = "method.buffer";
const SHARPNESS: &str = "sharpness";
const EIGENVECTORS: &str = "diagnostics";
const RUNNING: &str = "running";

impl Training<'_> {
    /// Remembers the run as it is before the iteration at `place`, and writes a checkpoint of it where it is time for one.
    /// `false` if the run is to [stop](Self::stop) instead.
    pub(super) fn begin(&mut self, place: Place) -> Result<bool> {
        self.before = None; // its tensors are not needed any more
        let before = self.checkpoint(place);
        let is_given_up = self.is_given_up();
        if !is_given_up && self.keeper.is_due() {
            self.tables.sync()?;
            self.keeper.save(&before)?;
        }
        self.before = Some(before);
        Ok(!is_given_up)
    }

    /// Ends the run at the user's wish, as it was before the iteration under way.
    pub(super) fn stop(self) -> Result<RunFile> {
        let Self {
            before,
            mut keeper,
            tables,
            mut file,
            directory,
            per_epoch,
            ..
        } = self;
        let before = before.context("a run stops in an iteration")?;
        let state = &before.state;
        tables.end_at(&state.marks)?;
        keeper.save(&before)?;
        file.status = Status::Interrupted;
        file.reason = Some(format!(
            "stopped by the user before iteration {}; the same command goes on from there",
            state.place.iteration(per_epoch)
        ));
        file.totals = state.totals.clone();
        file.ended = Some(jiff::Timestamp::now());
        file.write(directory)?;
        Ok(file)
    }

    fn checkpoint(&self, place: Place) -> Checkpoint {
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

    /// Takes the state of a checkpoint of the same run.
    pub(super) fn restore(&mut self, checkpoint: Checkpoint) -> Result<Place> {
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
        self.objective.go_on_after(steps, running);
        let running_method = self.method.clone().with_state(method, buffer);
        self.method = running_method.context("its method is another one")?;
        self.sharpness = numbers.map(|numbers| numbers.with_vectors(sharpness));
        self.diagnostics.go_on(eigenvectors, waiting);
        self.tables = Tables::go_on(self.directory, &marks)?;
        self.file.started = started;
        self.file.totals = totals;
        Ok(place)
    }
}
