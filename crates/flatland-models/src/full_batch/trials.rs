//! The saved passes of a line search's trials.
//!
//! A search accepts one of its last two trials. If their passes are saved, the gradient at the accepted point starts
//! from its pass instead of evaluating the loss again.

use std::sync::Mutex;

use burn::tensor::Tensor;
use flatland_kernels::is_equal;

use crate::engine::Recorded;

/// The recorded forward passes of the last two losses, from which the gradient at one of their points starts. A search
/// accepts its last trial, or the one before if an extrapolation has failed.
#[derive(Debug, Default)]
pub(crate) struct Trials {
    /// The bytes for all passes.
    memory: u64,
    /// The oldest trial first.
    trials: Vec<Trial>,
}

#[derive(Debug)]
struct Trial {
    point: Tensor<1>,
    chunks: Chunks,
}

/// The recorded passes of the first chunks. Each can be taken once.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Vec<Mutex<Option<Recorded>>>);

/// The number of trials that a search may accept.
const TRIALS: usize = 2;

impl Trials {
    /// Saves passes in at most `bytes` bytes.
    pub(crate) fn within(bytes: u64) -> Self {
        Self {
            memory: bytes,
            trials: Vec::new(),
        }
    }

    /// The bytes for the chunks of one trial, without its point.
    pub(crate) fn memory_beside(&self, point: &Tensor<1>) -> u64 {
        let vector = point.dims()[0] * point.dtype().size();
        (self.memory / TRIALS as u64).saturating_sub(vector as u64)
    }

    /// Drops the oldest trial if there are two, before another point is tried.
    pub(crate) fn make_room(&mut self) {
        while self.trials.len() >= TRIALS {
            self.trials.remove(0);
        }
    }

    /// Saves the passes at a point.
    pub(crate) fn save(&mut self, point: &Tensor<1>, chunks: Vec<Option<Recorded>>) {
        if chunks.iter().any(Option::is_some) {
            self.trials.push(Trial {
                point: point.clone(),
                chunks: Chunks(chunks.into_iter().map(Mutex::new).collect()),
            });
        }
    }

    /// Takes the passes at a point, which may be none. The passes at other points are dropped.
    pub(crate) fn take(&mut self, point: &Tensor<1>) -> Chunks {
        let mut trials = std::mem::take(&mut self.trials).into_iter().rev();
        let found = trials.find(|trial| is_equal(&trial.point, point));
        found.map(|trial| trial.chunks).unwrap_or_default()
    }

    /// Drops all passes.
    pub(crate) fn clear(&mut self) {
        self.trials.clear();
    }
}

impl Clone for Trials {
    /// Clones the limit of memory. Passes are not cloned.
    fn clone(&self) -> Self {
        Self::within(self.memory)
    }
}

impl Chunks {
    /// Takes the pass of a chunk. `None` if there is none, or if it was taken before.
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

    /// For each saved trial, whether each chunk is saved.
    fn saved(objective: &FullBatch) -> Vec<Vec<bool>> {
        let is_saved = |chunk: &std::sync::Mutex<_>| Option::is_some(&chunk.lock().unwrap());
        let trials = objective.trials.trials.iter();
        trials
            .map(|trial| trial.chunks.0.iter().map(is_saved).collect())
            .collect()
    }

    #[test]
    fn the_last_two_trials_are_saved_until_a_gradient() {
        let mut objective = subject().with_memory_for_trials(1 << 20);
        for value in [0.1, 0.2, 0.3] {
            objective.loss(&point(value));
        }
        assert_eq!(saved(&objective), [[true; 2]; 2]);
        let mut trials = objective.trials.clone();
        assert!(
            trials.take(&point(0.3)).chunk(0).is_none(),
            "a clone has no passes"
        );

        // The pass can be taken once, at the last point and at the one before.
        for value in [0.2, 0.3] {
            objective.loss(&point(0.2));
            objective.loss(&point(0.3));
            let chunks = objective.trials.take(&point(value));
            assert!(chunks.chunk(1).is_some());
            assert!(chunks.chunk(1).is_none());
            assert!(saved(&objective).is_empty());
        }
        // There is none at an earlier point.
        for value in [0.1, 0.2, 0.3] {
            objective.loss(&point(value));
        }
        assert!(objective.trials.take(&point(0.1)).chunk(0).is_none());
    }

    #[test]
    fn a_change_of_the_function_drops_the_passes() {
        let changes: [fn(&mut FullBatch); 4] = [
            |objective| objective.set_samples(subject().chunked.chunks),
            |objective| drop(objective.hvp(&point(0.1), &point(1.0))),
            |objective| drop(objective.products_at(&point(0.1))),
            |objective| drop(objective.loss_and_gradient(&point(0.7))),
        ];
        for change in changes {
            let mut objective = subject().with_memory_for_trials(1 << 20);
            objective.loss(&point(0.1));
            assert_eq!(saved(&objective).len(), 1);
            change(&mut objective);
            assert!(saved(&objective).is_empty());
        }
    }

    #[test]
    fn memory_is_shared_by_two_points_and_their_chunks() {
        let vector = 4 * 4;
        let of_chunk = subject().footprint.saved_bytes(2, 4);
        for (memory, chunks) in [
            (0, 0),
            (2 * (vector + of_chunk) - 1, 0),
            (2 * (vector + of_chunk), 1),
            (2 * (vector + 2 * of_chunk), 2),
        ] {
            let mut objective = subject().with_memory_for_trials(memory);
            objective.loss(&point(0.1));
            let found = saved(&objective).concat();
            assert_eq!(
                found.into_iter().filter(|is_saved| *is_saved).count(),
                chunks
            );
        }
    }
}
