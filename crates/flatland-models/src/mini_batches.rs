//! Training samples in mini-batches, in a new order in every epoch.

use burn::tensor::{Int, Tensor, TensorData};

use crate::Batch;

/// The training samples on the device, and the order in which each epoch goes through them.
///
/// An epoch goes through every sample once. Its order is a shuffle by the stream `(seed, "epoch order", epoch)` of
/// flatland-random: it depends on nothing else, so that any batch of any epoch can be had at any time. The last batch
/// is smaller where the batch size does not divide the number of samples; it is kept, as PyTorch's `DataLoader` does
/// by default.
///
/// A batch is the list of chunks that [`FullBatch::set_samples`](crate::FullBatch::set_samples) takes. As long as the
/// objective holds them, trial losses, gradients and Hessian-vector products are all of that batch.
///
/// # Memory
///
/// One copy of the samples, and the chunks of the batches that were asked for and are still held.
#[derive(Debug, Clone)]
pub struct MiniBatches {
    chunks: Vec<Batch>,
    /// Where each sample lies: its chunk, and its row there.
    places: Vec<(usize, usize)>,
    batch_size: usize,
    /// The most samples in a chunk of a batch.
    chunk: usize,
    seed: u64,
}

impl MiniBatches {
    /// Mini-batches of `batch_size` from the samples of all `chunks`. Batches that are larger than the largest of these
    /// chunks come in chunks of that size.
    ///
    /// # Panics
    ///
    /// Where there are no samples, or `batch_size` is zero.
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

    /// All samples, in the order in which they were given.
    pub fn all(&self) -> &[Batch] {
        &self.chunks
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.places.len()
    }

    /// The number of batches in an epoch, a last smaller one included.
    pub fn per_epoch(&self) -> usize {
        self.samples().div_ceil(self.batch_size)
    }

    /// The order of an epoch: the place of each sample in [`all`](Self::all), batch after batch.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.samples()).collect();
        let mut stream = flatland_random::stream(self.seed, "epoch order", epoch);
        flatland_random::shuffle(&mut order, &mut stream);
        order
    }

    /// The batch number `index` (from 0) of an epoch, copied on the device into chunks of its own.
    ///
    /// # Panics
    ///
    /// Where the epoch has no such batch.
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

    /// Copies samples into one chunk, in the order given.
    fn gather(&self, samples: &[usize]) -> Batch {
        let mut by_chunk: Vec<Vec<usize>> = vec![Vec::new(); self.chunks.len()];
        for (position, &sample) in samples.iter().enumerate() {
            by_chunk[self.places[sample].0].push(position);
        }
        // Selected chunk by chunk, then put into order: `row_of[position]` is where a sample has come to lie.
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
