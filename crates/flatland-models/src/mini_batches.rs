//! Mini-batches in a new random order in every epoch.
//!
//! A mini-batch is an objective with other samples: [`MiniBatches`] returns the chunks of a batch, and
//! [`FullBatch::set_samples`](crate::FullBatch::set_samples) takes them. Methods, the Hessian and counters see one
//! objective, so a step cannot mix two batches.

use burn::tensor::{Int, Tensor, TensorData};

use crate::Batch;

/// The training samples on the device, and their order in each epoch.
///
/// An epoch contains every sample once. Its order is a shuffle by the stream `(seed, "epoch order", epoch)` of
/// flatland-random and depends on this key alone, so every batch of every epoch can be computed at any time. The last
/// batch of an epoch is smaller if the batch size does not divide the number of samples. It is not dropped, as in
/// PyTorch's `DataLoader` by default.
///
/// A batch is a list of chunks for [`FullBatch::set_samples`](crate::FullBatch::set_samples). Until the next call,
/// trial losses, gradients and Hessian-vector products belong to this batch.
///
/// # Memory
///
/// The samples are stored once. Every batch that the caller holds is a copy.
#[derive(Debug, Clone)]
pub struct MiniBatches {
    chunks: Vec<Batch>,
    /// The chunk of each sample, and its row in this chunk.
    places: Vec<(usize, usize)>,
    batch_size: usize,
    /// The most samples in a chunk of a batch.
    chunk: usize,
    seed: u64,
}

impl MiniBatches {
    /// Mini-batches of `batch_size` samples from all `chunks`. A batch that is larger than the largest of these chunks
    /// is divided into chunks of that size.
    ///
    /// # Panics
    ///
    /// Panics if there are no samples or if `batch_size` is 0.
    pub fn new(chunks: Vec<Batch>, batch_size: usize, seed: u64) -> Self {
        assert!(batch_size > 0, "a mini-batch needs at least one sample");
        let places: Vec<_> = (chunks.iter().enumerate())
            .flat_map(|(index, chunk)| (0..chunk.len()).map(move |row| (index, row)))
            .collect();
        let largest = chunks.iter().map(Batch::len).max();
        let chunk = largest.filter(|&size| size > 0);
        Self {
            chunk: chunk.expect("mini-batches need at least one sample"),
            chunks,
            places,
            batch_size,
            seed,
        }
    }

    /// All samples, in the given order.
    pub fn all(&self) -> &[Batch] {
        &self.chunks
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.places.len()
    }

    /// The number of batches in an epoch, including a smaller last one.
    pub fn per_epoch(&self) -> usize {
        self.samples().div_ceil(self.batch_size)
    }

    /// The order of an epoch: the indices of the samples in [`all`](Self::all), batch after batch.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.samples()).collect();
        let mut stream = flatland_random::stream(self.seed, "epoch order", epoch);
        flatland_random::shuffle(&mut order, &mut stream);
        order
    }

    /// Batch `index`, from 0, of an epoch, as new chunks on the device.
    ///
    /// # Panics
    ///
    /// Panics if `index` is not below [`per_epoch`](Self::per_epoch).
    pub fn batch(&self, epoch: u64, index: usize) -> Vec<Batch> {
        let batches = self.per_epoch();
        assert!(index < batches, "batch {index} of {batches} in an epoch");
        let order = self.order(epoch);
        let start = index * self.batch_size;
        let end = order.len().min(start + self.batch_size);
        (order[start..end].chunks(self.chunk))
            .map(|samples| self.gather(samples))
            .collect()
    }

    /// Copies samples into one chunk, in the given order.
    fn gather(&self, samples: &[usize]) -> Batch {
        let mut by_chunk: Vec<Vec<usize>> = vec![Vec::new(); self.chunks.len()];
        for (position, &sample) in samples.iter().enumerate() {
            by_chunk[self.places[sample].0].push(position);
        }
        // Rows are selected chunk by chunk and then permuted: `row_of[position]` is the selected row of a sample.
        let mut row_of = vec![0; samples.len()];
        for (row, &position) in by_chunk.iter().flatten().enumerate() {
            row_of[position] = row;
        }
        let (mut images, mut targets, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (chunk, positions) in self.chunks.iter().zip(&by_chunk) {
            if positions.is_empty() {
                continue;
            }
            let rows = positions.iter().map(|&at| self.places[samples[at]].1);
            let rows = indices(rows, chunk);
            images.push(chunk.images.clone().select(0, rows.clone()));
            targets.push(chunk.targets.clone().select(0, rows.clone()));
            labels.push(chunk.labels.clone().select(0, rows));
        }
        let order = indices(row_of.into_iter(), &self.chunks[0]);
        Batch {
            images: Tensor::cat(images, 0).select(0, order.clone()),
            targets: Tensor::cat(targets, 0).select(0, order.clone()),
            labels: Tensor::cat(labels, 0).select(0, order),
        }
    }
}

/// Row numbers, on the device of a chunk.
fn indices(rows: impl Iterator<Item = usize>, chunk: &Batch) -> Tensor<1, Int> {
    let rows: Vec<i32> = rows.map(|row| row as i32).collect();
    let count = rows.len();
    Tensor::from_data(TensorData::new(rows, [count]), &chunk.labels.device())
}
