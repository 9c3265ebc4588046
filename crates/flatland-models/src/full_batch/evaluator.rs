//! Evaluation chunk by chunk, which can be interrupted between two chunks.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Tensor;
use flatland_kernels::{add, is_own};

use super::trials::Chunks;
use crate::chunk_threads::ChunkThreads;
use crate::engine::{Linearized, Model, Recorded, Slots};
use crate::keep_awake::keep_awake;
use crate::running::Observation;
use crate::{Batch, ForwardPass, Layout, Loss, Masks, RunningStatistics, Sequence};

/// The loss and the accuracy of a network on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The share of samples whose largest logit is that of their label.
    pub accuracy: f64,
}

/// The mean loss of a network over samples in chunks, as a function of its parameters.
#[derive(Debug, Clone)]
pub(super) struct ChunkedLoss {
    pub(super) network: Sequence,
    pub(super) layout: Layout,
    pub(super) loss: Loss,
    pub(super) chunks: Vec<Batch>,
    /// The number of samples in all chunks.
    pub(super) samples: usize,
    /// The seed of dropout. `None` if the network drops nothing.
    pub(super) dropout: Option<u64>,
    /// The number of steps taken, which selects the masks of dropout.
    pub(super) steps: u64,
    /// The threads that process chunks in parallel. `None` if chunks are processed one after the other.
    pub(super) threads: Option<ChunkThreads>,
}

/// Evaluates a [`ChunkedLoss`]. Every result is `None` if the flag was raised before the last chunk started: chunks in
/// progress are finished, and no other chunk starts.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    of: &'a ChunkedLoss,
    flag: Option<&'a AtomicBool>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(of: &'a ChunkedLoss, flag: Option<&'a AtomicBool>) -> Self {
        Self { of, flag }
    }

    /// The loss, and the recorded passes of the first `count` chunks.
    pub(super) fn loss(
        &self,
        point: &Tensor<1>,
        count: usize,
    ) -> Option<(f64, Vec<Option<Recorded>>)> {
        let share = |index, chunk: &Batch| {
            let pass = self.pass(ForwardPass::plain(&self.of.layout, point), index);
            if index < count {
                let recorded = self.model().record(pass, chunk);
                (recorded.loss.clone(), Some(recorded))
            } else {
                (self.model().loss(&pass, chunk), None)
            }
        };
        let (losses, recorded) = self.each_chunk(share)?.into_iter().unzip();
        Some((sum(losses), recorded))
    }

    /// The loss, the gradient and the batch statistics. Recorded passes are used where there are any.
    pub(super) fn loss_and_gradient(
        &self,
        point: &Tensor<1>,
        recorded: &Chunks,
    ) -> Option<(f64, Tensor<1>, Vec<Observation>)> {
        let layout = &self.of.layout;
        let mut losses = Vec::with_capacity(self.of.chunks.len());
        let mut observed = Vec::new();
        let part = |index, chunk: &Batch| {
            let pass = || self.pass(ForwardPass::plain(layout, point), index);
            let recorded = recorded.chunk(index);
            let recorded = recorded.unwrap_or_else(|| self.model().record(pass(), chunk));
            let mut slots = Slots::new(layout, point);
            let observed = self.model().backward(&pass(), recorded, chunk, &mut slots);
            (slots.into_vector(), observed)
        };
        let gradient = self.accumulate(part, |(loss, seen)| {
            losses.push(loss);
            observed.extend(seen);
        })?;
        Some((sum(losses), gradient, observed))
    }

    pub(super) fn evaluate(
        &self,
        point: &Tensor<1>,
        running: Option<&RunningStatistics>,
    ) -> Option<Evaluation> {
        let evaluate = |_, chunk: &Batch| {
            let mut pass = ForwardPass::plain(&self.of.layout, point);
            if let Some(running) = running {
                pass = pass.normalized_by(running);
            }
            let logits = self.model().logits(&pass, chunk);
            let predictions = logits.clone().argmax(1).squeeze_dim(1);
            let correct = predictions.equal(chunk.labels.clone()).int().sum();
            (self.model().value(logits, chunk), correct)
        };
        let (losses, correct) = self.each_chunk(evaluate)?.into_iter().unzip();
        let correct: i64 = Tensor::cat(correct, 0).into_data().iter::<i64>().sum();
        Some(Evaluation {
            loss: sum(losses),
            accuracy: correct as f64 / self.of.samples as f64,
        })
    }

    pub(super) fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Option<Vec<f64>> {
        let watch = |index, chunk: &Batch| {
            let pass = ForwardPass::plain(&self.of.layout, point).watching(threshold);
            let pass = self.pass(pass, index);
            self.model().logits(&pass, chunk);
            pass.into_watched()
        };
        let mut layers: Vec<(i64, usize)> = Vec::new();
        self.take_chunks(watch, |reports| {
            layers.resize(reports.len(), (0, 0));
            for ((small, total), report) in layers.iter_mut().zip(reports) {
                *small += report.small.into_scalar::<i64>();
                *total += report.total;
            }
        })?;
        let shares = layers.iter();
        Some(
            shares
                .map(|(small, total)| *small as f64 / *total as f64)
                .collect(),
        )
    }

    /// The saved values at a point of the first `count` chunks, from which products start.
    pub(super) fn linearized(
        &self,
        point: &Tensor<1>,
        count: usize,
    ) -> Option<Vec<Option<Linearized>>> {
        self.each_chunk(|index, _| (index < count).then(|| self.linearize(point, index)))
    }

    /// The Hessian-vector product, from the saved values of the first chunks.
    pub(super) fn product(
        &self,
        point: &Tensor<1>,
        direction: &Tensor<1>,
        linearized: &[Option<Linearized>],
    ) -> Option<Tensor<1>> {
        let layout = &self.of.layout;
        let part = |index: usize, _: &Batch| {
            let computed;
            let at = match linearized.get(index) {
                Some(Some(saved)) => saved,
                _ => {
                    computed = self.linearize(point, index);
                    &computed
                }
            };
            let pass = ForwardPass::plain(layout, point).along(direction);
            let mut slots = Slots::new(layout, point);
            self.model().product(&pass, at, &mut slots);
            (slots.into_vector(), ())
        };
        self.accumulate(part, |()| ())
    }

    /// The saved values of a chunk at a point.
    fn linearize(&self, point: &Tensor<1>, chunk: usize) -> Linearized {
        let pass = self.pass(ForwardPass::plain(&self.of.layout, point), chunk);
        self.model().linearize(&pass, &self.of.chunks[chunk])
    }

    /// Adds the masks of a chunk to a pass.
    fn pass<'b>(&self, pass: ForwardPass<'b>, chunk: usize) -> ForwardPass<'b> {
        let masks = |seed| Masks {
            seed,
            step: self.of.steps,
            chunk: chunk as u64,
        };
        match self.of.dropout.map(masks) {
            Some(masks) => pass.dropping(masks),
            None => pass,
        }
    }

    fn model(&self) -> Model<'a> {
        Model {
            network: &self.of.network,
            loss: self.of.loss,
            samples: self.of.samples,
        }
    }

    /// The results of `compute` for all chunks.
    fn each_chunk<T: Send>(&self, compute: impl Fn(usize, &Batch) -> T + Sync) -> Option<Vec<T>> {
        let mut results = Vec::with_capacity(self.of.chunks.len());
        self.take_chunks(compute, |result| results.push(result))?;
        Some(results)
    }

    /// Passes the results of `compute` to `take`, in the order of the chunks.
    fn take_chunks<T: Send>(
        &self,
        compute: impl Fn(usize, &Batch) -> T + Sync,
        mut take: impl FnMut(T),
    ) -> Option<()> {
        let ChunkedLoss {
            chunks, threads, ..
        } = self.of;
        let is_raised = || self.flag.is_some_and(|flag| flag.load(Ordering::Relaxed));
        let compute = |index: usize| (!is_raised()).then(|| compute(index, &chunks[index]));
        let mut is_whole = true;
        let mut take = |result| match result {
            Some(result) => take(result),
            None => is_whole = false,
        };
        match threads {
            Some(threads) if chunks.len() > 1 => {
                threads.run(chunks.len(), compute, |_, result| take(result));
            }
            // On one of rayon's threads, so parallel operators are not handed over to them.
            _ => (0..chunks.len()).for_each(|index| {
                take(if is_own(&chunks[index].images) {
                    keep_awake(|| compute(index))
                } else {
                    rayon::scope(|_| compute(index))
                });
            }),
        }
        is_whole.then_some(())
    }

    /// The sum of the vectors of all chunks. The second part of each result is passed to `take`.
    fn accumulate<T: Send>(
        &self,
        part: impl Fn(usize, &Batch) -> (Tensor<1>, T) + Sync,
        mut take: impl FnMut(T),
    ) -> Option<Tensor<1>> {
        let mut sum: Option<Tensor<1>> = None;
        self.take_chunks(part, |(part, result)| {
            sum = Some(match sum.take() {
                Some(sum) => add(sum, part),
                None => part,
            });
            take(result);
        })?;
        sum
    }
}

/// The sum of scalars on the device. They are read at once and added in `f64`.
fn sum(shares: Vec<Tensor<1>>) -> f64 {
    Tensor::cat(shares, 0).into_data().iter::<f64>().sum()
}
