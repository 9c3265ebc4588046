//! Every step sees a mini-batch.
//!
//! The gradient, the trials of a search and the curvature of a step are all of the batch of that step. A batch on which
//! there is no step to take (it is fitted, or no step size is acceptable) is passed over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;
use flatland_models::{Batch, MiniBatches};
use tracing::warn;

use super::ending::ending;
use super::training::Training;
use crate::cell::MiniBatchConfig;
use crate::progress::Progress;
use crate::records::{self, EpochRow, RowWriter, SharpnessRow, Status};

/// A stochastic run on its way.
struct Stochastic<'a, 'b> {
    run: &'a mut Training<'b>,
    batches: MiniBatches,
    rows: RowWriter,
}

/// How an epoch ended.
struct Epoch {
    /// Steps taken.
    steps: u64,
    /// How the run ends with it, and why.
    ending: Option<(Status, String)>,
    /// Whether it went through all batches.
    is_whole: bool,
}

/// Makes the epochs of a stochastic run over the samples of `chunks`. Leaves all samples in the objective.
pub(super) fn train(
    run: &mut Training<'_>,
    config: MiniBatchConfig,
    chunks: Vec<Batch>,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<()> {
    let rows = RowWriter::create(run.directory.join(records::EPOCHS))?;
    let batches = MiniBatches::new(chunks, config.batch_size, run.cell.seed);
    run.file.status = Status::Done;
    let mut run = Stochastic { run, batches, rows };
    let mut first = run.measure(0, 0, config.epochs == 0)?;
    for epoch in 0..config.epochs {
        let Epoch {
            steps,
            ending,
            is_whole,
        } = run.epoch(epoch, first.take(), interrupted, progress)?;
        let is_last = epoch + 1 == config.epochs || ending.is_some();
        if let Some((status, reason)) = ending {
            run.run.file.status = status;
            run.run.file.reason = Some(reason);
        }
        if is_whole {
            first = run.measure(epoch + 1, steps, is_last)?;
        }
        if is_last {
            break;
        }
    }
    run.set_all();
    Ok(())
}

impl Stochastic<'_, '_> {
    fn per_epoch(&self) -> u64 {
        self.batches.per_epoch() as u64
    }

    fn set_all(&mut self) {
        let all = self.batches.all().to_vec();
        self.run.objective.inner_mut().set_samples(all);
    }

    fn set_batch(&mut self, epoch: u64, index: u64) {
        let batch = self.batches.batch(epoch, index as usize);
        self.run.objective.inner_mut().set_samples(batch);
    }

    /// Goes through the batches of an epoch. `sharpness` is that of the first of them.
    fn epoch(
        &mut self,
        epoch: u64,
        mut sharpness: Option<SharpnessRow>,
        interrupted: &AtomicBool,
        progress: &mut Progress,
    ) -> Result<Epoch> {
        let mut steps = 0;
        let mut passed_over: Option<(Status, String)> = None;
        let end = |steps, ending, is_whole| {
            Ok(Epoch {
                steps,
                ending,
                is_whole,
            })
        };
        for index in 0..self.per_epoch() {
            let iteration = epoch * self.per_epoch() + index;
            if interrupted.load(Ordering::Relaxed) {
                let reason = format!("stopped by the user before iteration {iteration}");
                return end(steps, Some((Status::Interrupted, reason)), false);
            }
            self.set_batch(epoch, index);
            let computed = self.run.compute();
            let ending = ending(&computed.step);
            // Without a step there is no product with its size.
            let sharpness = sharpness.take().filter(|_| ending.is_none());
            self.run.record(iteration, &computed, sharpness, None)?;
            let last = self.run.sharpness.as_ref().map(|s| s.lambda_max);
            progress.report(iteration, &computed.step, last, Some(epoch));
            match ending {
                None => {
                    self.run.advance(computed.next);
                    steps += 1;
                }
                Some((Status::Diverged, what)) => {
                    let reason = format!("at iteration {iteration}, in epoch {epoch}, {what}");
                    return end(steps, Some((Status::Diverged, reason)), false);
                }
                // One batch that could not be improved means that the run has not converged.
                Some(other) => {
                    passed_over = match passed_over {
                        Some((Status::Stalled, what)) => Some((Status::Stalled, what)),
                        _ => Some(other),
                    }
                }
            }
        }
        let ending = passed_over.filter(|_| steps == 0).map(|(status, what)| {
            let reason = format!("no batch of epoch {epoch} gave a step: on one of them {what}");
            (status, reason)
        });
        end(steps, ending, true)
    }

    /// Writes the row of a run that has made so many epochs, `steps` of them in the last. Returns the sharpness of the
    /// first batch that follows, where it was measured.
    fn measure(&mut self, epoch: u64, steps: u64, is_last: bool) -> Result<Option<SharpnessRow>> {
        let cell = self.run.cell;
        let start = Instant::now();
        let is_due = |every: u64| every > 0 && (is_last || epoch.is_multiple_of(every));
        self.set_all();
        let train = self.run.evaluate();
        let test = is_due(cell.accuracy_every).then(|| self.run.evaluate_test());
        let sharpness = match is_due(cell.sharpness_every) {
            true => self.measure_batches(epoch),
            false => Vec::new(),
        };
        let values = || sharpness.iter().map(|row| row.sharpness);
        self.rows.write(&EpochRow {
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
        })?;
        Ok(sharpness.into_iter().next())
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
                    let directory = self.run.directory.display();
                    warn!("{directory}: no sharpness of batch {index} after {epoch} epochs");
                    return Vec::new();
                }
            }
        }
        found
    }
}
