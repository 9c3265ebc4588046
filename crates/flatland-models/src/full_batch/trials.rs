//! What is kept of the points that a line search tries.

use std::sync::Mutex;

use burn::tensor::Tensor;
use flatland_kernels::is_equal;

use crate::engine::Recorded;

/// The forward passes of the last two losses, for the gradient at the point of one of them: a search accepts its last
/// trial, or the one before when a longer step has failed.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    /// Bytes for all.
    memory: u64,
    /// The oldest first.
    trials: Vec<Trial>,
}

#[derive(Debug)]
struct Trial {
    point: Tensor<1>,
    chunks: Chunks,
}

/// The passes of the first chunks, each until it is taken.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Vec<Mutex<Option<Recorded>>>);

/// How many trials a search may accept.
const TRIALS: usize = 2;

impl Trials {
    /// Keeps as much as so many bytes allow.
    pub(crate) fn within(bytes: u64) -> Self {
        Self {
            memory: bytes,
            trials: Vec::new(),
        }
    }

    /// The bytes that a trial may take for its chunks, beside its point.
    pub(crate) fn memory_beside(&self, point: &Tensor<1>) -> u64 {
        let vector = point.dims()[0] * point.dtype().size();
        (self.memory / TRIALS as u64).saturating_sub(vector as u64)
    }

    /// Drops what no gradient will be asked for when another point has been tried.
    pub(crate) fn make_room(&mut self) {
        while self.trials.len() >= TRIALS {
            self.trials.remove(0);
        }
    }

    /// Keeps the passes at a point.
    pub(crate) fn keep(&mut self, point: &Tensor<1>, chunks: Vec<Option<Recorded>>) {
        if chunks.iter().any(Option::is_some) {
            self.trials.push(Trial {
                point: point.clone(),
                chunks: Chunks(chunks.into_iter().map(Mutex::new).collect()),
            });
        }
    }

    /// The passes at a point, as far as there are any. Those of other points are forgotten.
    pub(crate) fn take(&mut self, point: &Tensor<1>) -> Chunks {
        let mut trials = std::mem::take(&mut self.trials).into_iter().rev();
        let found = trials.find(|trial| is_equal(&trial.point, point));
        found.map(|trial| trial.chunks).unwrap_or_default()
    }

    pub(crate) fn forget(&mut self) {
        self.trials.clear();
    }
}

impl Clone for Trials {
    /// Passes are not copied.
    fn clone(&self) -> Self {
        Self::within(self.memory)
    }
}

impl Chunks {
    /// The pass of a chunk, the first time it is asked for.
    pub(crate) fn chunk(&self, index: usize) -> Option<Recorded> {
        let chunk = self.0.get(index)?;
        chunk.lock().expect("no holder panics").take()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor};
    use flatland_optim::{Curvature, Objective};

    use crate::{Batch, FullBatch, Initializer, InputShape, Loss, MlpConfig};

    /// A network of four parameters on three samples in two chunks.
    fn subject() -> FullBatch {
        let device = Device::flex();
        let shape = InputShape {
            channels: 1,
            height: 1,
            width: 1,
        };
        let config = MlpConfig {
            widths: Vec::new(),
            ..MlpConfig::default()
        };
        let mut initializer = Initializer::new(0, &device, DType::F32);
        let network = config.init(shape, 2, &mut initializer);
        let images = [0.5f32, -1.0, 2.0];
        let chunks = Batch::chunks(&images, shape, &[0, 1, 1], 2, 2, &device, DType::F32);
        FullBatch::new(network, Loss::Mse, chunks)
    }

    fn point(value: f32) -> Tensor<1> {
        Tensor::full([4], value, &Device::flex())
    }

    /// Of each trial that is kept, the chunks that are.
    fn kept(objective: &FullBatch) -> Vec<Vec<bool>> {
        let is_kept = |chunk: &std::sync::Mutex<_>| Option::is_some(&chunk.lock().unwrap());
        let trials = objective.trials.trials.iter();
        trials
            .map(|trial| trial.chunks.0.iter().map(is_kept).collect())
            .collect()
    }

    #[test]
    fn the_last_two_are_kept_until_a_gradient() {
        let mut objective = subject().with_memory_for_trials(1 << 20);
        for value in [0.1, 0.2, 0.3] {
            objective.loss(&point(value));
        }
        assert_eq!(kept(&objective), [[true; 2]; 2]);
        let mut trials = objective.trials.clone();
        assert!(
            trials.take(&point(0.3)).chunk(0).is_none(),
            "a copy keeps nothing"
        );

        // The pass is there, once, at the last point and at the one before.
        for value in [0.2, 0.3] {
            objective.loss(&point(0.2));
            objective.loss(&point(0.3));
            let chunks = objective.trials.take(&point(value));
            assert!(chunks.chunk(1).is_some());
            assert!(chunks.chunk(1).is_none());
            assert!(kept(&objective).is_empty());
        }
        // Not at another one, such as one that was tried earlier.
        for value in [0.1, 0.2, 0.3] {
            objective.loss(&point(value));
        }
        assert!(objective.trials.take(&point(0.1)).chunk(0).is_none());
    }

    #[test]
    fn what_changes_the_function_forgets() {
        let changes: [fn(&mut FullBatch); 4] = [
            |objective| objective.set_samples(subject().chunked.chunks),
            |objective| drop(objective.hvp(&point(0.1), &point(1.0))),
            |objective| drop(objective.products_at(&point(0.1))),
            |objective| drop(objective.loss_and_gradient(&point(0.7))),
        ];
        for change in changes {
            let mut objective = subject().with_memory_for_trials(1 << 20);
            objective.loss(&point(0.1));
            assert_eq!(kept(&objective).len(), 1);
            change(&mut objective);
            assert!(kept(&objective).is_empty());
        }
    }

    #[test]
    fn memory_is_shared_by_two_points_and_their_chunks() {
        let vector = 4 * 4;
        let of_chunk = subject().footprint.kept_bytes(2, 4);
        for (memory, chunks) in [
            (0, 0),
            (2 * (vector + of_chunk) - 1, 0),
            (2 * (vector + of_chunk), 1),
            (2 * (vector + 2 * of_chunk), 2),
        ] {
            let mut objective = subject().with_memory_for_trials(memory);
            objective.loss(&point(0.1));
            let found = kept(&objective).concat();
            assert_eq!(found.into_iter().filter(|kept| *kept).count(), chunks);
        }
    }
}
