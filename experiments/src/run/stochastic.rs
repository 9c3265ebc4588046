//! Every step sees a mini-batch.
//!
//! The gradient, the trials of a search and the curvature of a step are all of the batch of that step. A batch on which
//! there is no step to take (it is fitted, or no step size is acceptable) is passed over.

use std::time::Instant;

use anyhow::Result;
use flatland_models::{Batch, MiniBatches};
use tracing::warn;

use super::ending::ending;
use super::training::Training;
use crate::cell::MiniBatchConfig;
use crate::checkpoint::{Cursor, Place};
use crate::progress::Progress;
use crate::records::{self, EpochRow, SharpnessRow, Status};

/// A stochastic run on its way.
struct Stochastic<'a, 'b> {
    run: &'a mut Training<'b>,
    batches: MiniBatches,
    epochs: u64,
    cursor: Cursor,
}

/// Makes the epochs of a stochastic run over the samples of `chunks`, from `cursor` on. Leaves all samples in the
/// objective. `false` if it was stopped.
pub(super) fn train(
    run: &mut Training<'_>,
    config: MiniBatchConfig,
    chunks: Vec<Batch>,
    cursor: Cursor,
    progress: &mut Progress,
) -> Result<bool> {
    run.tables.start(records::EPOCHS, None)?;
    run.file.status = Status::Done;
    let mut run = Stochastic {
        batches: MiniBatches::new(chunks, config.batch_size, run.cell.seed),
        epochs: config.epochs,
        run,
        cursor,
    };
    let mut is_over = false;
    while !is_over {
        if !run.run.begin(Place::Stochastic(run.cursor.clone()))? {
            return Ok(false);
        }
        is_over = match run.cursor.batch {
            None => run.measure()?,
            Some(index) => run.step(index, progress)?,
        };
        if run.run.is_given_up() {
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

    /// Goes through a batch of the epoch. Whether the run is over.
    fn step(&mut self, index: u64, progress: &mut Progress) -> Result<bool> {
        let epoch = self.cursor.epoch;
        let iteration = epoch * self.per_epoch() + index;
        self.set_batch(epoch, index);
        let computed = self.run.compute();
        if self.run.is_given_up() {
            return Ok(false);
        }
        let ending = ending(&computed.step);
        // Without a step there is no product with its size.
        let sharpness = self.cursor.first.take().filter(|_| ending.is_none());
        self.run.record(iteration, &computed, sharpness, None)?;
        let last = self.run.sharpness.as_ref().map(|s| s.lambda_max);
        progress.report(iteration, &computed.step, last, Some(epoch));
        let cursor = &mut self.cursor;
        match ending {
            None => {
                self.run.advance(computed.next);
                cursor.steps += 1;
            }
            Some((Status::Diverged, what)) => {
                let reason = format!("at iteration {iteration}, in epoch {epoch}, {what}");
                self.run.file.status = Status::Diverged;
                self.run.file.reason = Some(reason);
                return Ok(true);
            }
            // One batch that could not be improved means that the run has not converged.
            Some(other) => {
                cursor.passed_over = match cursor.passed_over.take() {
                    Some((Status::Stalled, what)) => Some((Status::Stalled, what)),
                    _ => Some(other),
                }
            }
        }
        cursor.batch = Some(index + 1);
        if index + 1 == self.per_epoch() {
            self.cursor.epoch += 1;
            self.cursor.batch = None;
        }
        Ok(false)
    }

    /// Writes the row of the epochs made, and measures the sharpness of the first batch that follows, where it is due.
    /// Whether the run is over.
    fn measure(&mut self) -> Result<bool> {
        let cell = self.run.cell;
        let start = Instant::now();
        let Cursor { epoch, steps, .. } = self.cursor;
        let mut is_last = epoch == self.epochs;
        if let Some((status, what)) = self.cursor.passed_over.take().filter(|_| steps == 0) {
            let of = epoch - 1;
            let reason = format!("no batch of epoch {of} gave a step: on one of them {what}");
            self.run.file.status = status;
            self.run.file.reason = Some(reason);
            is_last = true;
        }
        let is_due = |every: u64| every > 0 && (is_last || epoch.is_multiple_of(every));
        self.set_all();
        let train = self.run.evaluate();
        let test = is_due(cell.accuracy_every).then(|| self.run.evaluate_test());
        let sharpness = match is_due(cell.sharpness_every) {
            true => self.measure_batches(epoch),
            false => Vec::new(),
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
        if self.run.is_given_up() {
            return Ok(false);
        }
        self.run.tables.write(records::EPOCHS, &row)?;
        self.cursor = Cursor {
            epoch,
            batch: Some(0),
            first: sharpness.into_iter().next(),
            ..Cursor::default()
        };
        Ok(is_last)
    }

    /// The sharpness of every batch of an epoch at the current point; none if one has no finite Hessian. Each
    /// measurement starts from the eigenvectors of the batch before.
    fn measure_batches(&mut self, epoch: u64) -> Vec<SharpnessRow> {
        let mut found = Vec::new();
        for index in 0..self.per_epoch() {
            self.set_batch(epoch, index);
            match self.run.measure_sharpness() {
                Some(row) => found.push(row),
                None => {
                    if !self.run.is_given_up() {
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
