//! Every step sees a mini-batch.
//!
//! The gradient, the trials of a search and the curvature of a step are all of the batch of that step. A batch on which
//! there is no step to take (it is fitted, or no step size is acceptable) is passed over.

use std::time::Instant;

use anyhow::Result;
use flatland_config::{MiniBatchConfig, Status};
use flatland_models::{Batch, MiniBatches};
use flatland_records::{EpochRow, SharpnessRow, files};
use tracing::warn;

use super::stop_reason::stop_reason;
use super::training::Training;
use crate::checkpoint::{EpochPosition, RunPosition};

/// A stochastic run that is being made.
struct Stochastic<'a, 'b> {
    run: &'a mut Training<'b>,
    batches: MiniBatches,
    epochs: u64,
    position: EpochPosition,
}

/// Makes the epochs of a stochastic run over the samples of `chunks`, from `position` on. Leaves all samples in the
/// objective. Returns `false` if the run was asked to stop.
pub(super) fn train(
    run: &mut Training<'_>,
    config: MiniBatchConfig,
    chunks: Vec<Batch>,
    position: EpochPosition,
) -> Result<bool> {
    run.tables.start::<EpochRow>(files::EPOCHS)?;
    run.file.status = Status::Done;
    let mut run = Stochastic {
        batches: MiniBatches::new(chunks, config.batch_size, run.config.seed),
        epochs: config.epochs,
        run,
        position,
    };
    let mut is_over = false;
    while !is_over {
        if !run
            .run
            .begin(RunPosition::Stochastic(run.position.clone()))?
        {
            return Ok(false);
        }
        is_over = match run.position.batch {
            None => run.measure()?,
            Some(index) => run.step(index)?,
        };
        if run.run.is_stopped() {
            return Ok(false);
        }
    }
    run.set_all();
    Ok(true)
}

impl Stochastic<'_, '_> {
    fn per_epoch(&self) -> u64 {
        self.batches.per_epoch() as u64
    }

    fn set_all(&mut self) {
        let all = self.batches.all().to_vec();
        self.run.objective.set_samples(all);
    }

    fn set_batch(&mut self, epoch: u64, index: u64) {
        let batch = self.batches.batch(epoch, index as usize);
        self.run.objective.set_samples(batch);
    }

    /// Makes the step on a batch of the epoch. Returns whether the run is over.
    fn step(&mut self, index: u64) -> Result<bool> {
        let epoch = self.position.epoch;
        let iteration = epoch * self.per_epoch() + index;
        self.set_batch(epoch, index);
        let computed = self.run.compute();
        if self.run.is_stopped() {
            return Ok(false);
        }
        let ending = stop_reason(&computed.step);
        // Without a step there is no product with its size.
        let sharpness = self.position.first.take().filter(|_| ending.is_none());
        self.run.record(iteration, &computed, sharpness, None)?;
        self.run.report(iteration, &computed.step, Some(epoch));
        let position = &mut self.position;
        match ending {
            None => {
                self.run.advance(computed.next);
                position.steps += 1;
            }
            Some((Status::Diverged, what)) => {
                let reason = format!("at iteration {iteration}, in epoch {epoch}, {what}");
                self.run.file.status = Status::Diverged;
                self.run.file.reason = Some(reason);
                return Ok(true);
            }
            // One batch that could not be improved means that the run has not converged.
            Some(other) => {
                position.passed_over = match position.passed_over.take() {
                    Some((Status::Stalled, what)) => Some((Status::Stalled, what)),
                    _ => Some(other),
                }
            }
        }
        position.batch = Some(index + 1);
        if index + 1 == self.per_epoch() {
            self.position.epoch += 1;
            self.position.batch = None;
        }
        Ok(false)
    }

    /// Writes the row of the epochs made, and measures the sharpness of the batches that follow if that is due. Returns
    /// whether the run is over.
    fn measure(&mut self) -> Result<bool> {
        let config = self.run.config;
        let start = Instant::now();
        let EpochPosition { epoch, steps, .. } = self.position;
        let mut is_last = epoch == self.epochs;
        if let Some((status, what)) = self.position.passed_over.take().filter(|_| steps == 0) {
            let of = epoch - 1;
            let reason = format!("no batch of epoch {of} gave a step: on one of them {what}");
            self.run.file.status = status;
            self.run.file.reason = Some(reason);
            is_last = true;
        }
        let is_due = |every: u64| every > 0 && (is_last || epoch.is_multiple_of(every));
        self.set_all();
        let train = self.run.evaluate();
        let test = is_due(config.accuracy_every).then(|| self.run.evaluate_test());
        let sharpness = if is_due(config.sharpness_every) {
            self.measure_batches(epoch)
        } else {
            Vec::new()
        };
        let values = || sharpness.iter().map(|row| row.sharpness);
        let row = EpochRow {
            epoch,
            iteration: epoch * self.per_epoch(),
            steps,
            loss: train.loss,
            train_accuracy: train.accuracy,
            test_loss: test.map(|test| test.loss),
            test_accuracy: test.map(|test| test.accuracy),
            sharpness_mean: (!sharpness.is_empty())
                .then(|| values().sum::<f64>() / sharpness.len() as f64),
            sharpness_min: values().reduce(f64::min),
            sharpness_max: values().reduce(f64::max),
            lambda_min: (sharpness.iter().map(|row| row.lambda_min)).reduce(f64::min),
            hessian_products: sharpness.iter().map(|row| row.hessian_products).sum(),
            seconds: self.run.file.totals.training_seconds,
            measuring_seconds: start.elapsed().as_secs_f64(),
        };
        if self.run.is_stopped() {
            return Ok(false);
        }
        self.run.tables.write(files::EPOCHS, &row)?;
        self.position = EpochPosition {
            epoch,
            batch: Some(0),
            first: sharpness.into_iter().next(),
            ..EpochPosition::default()
        };
        Ok(is_last)
    }

    /// The sharpness of every batch of an epoch at the current point. Empty if one has no finite Hessian. Each
    /// measurement starts from the eigenvectors of the batch before.
    fn measure_batches(&mut self, epoch: u64) -> Vec<SharpnessRow> {
        let mut found = Vec::new();
        for index in 0..self.per_epoch() {
            self.set_batch(epoch, index);
            match self.run.measure_sharpness() {
                Some(row) => found.push(row),
                None => {
                    if !self.run.is_stopped() {
                        let directory = self.run.directory.display();
                        warn!("{directory}: no sharpness of batch {index} after {epoch} epochs");
                    }
                    return Vec::new();
                }
            }
        }
        found
    }
}
