//! Blocks of channels, which threads process one by one.

use rayon::prelude::*;

/// The largest number of entries in a cache line.
const LINE: usize = 16;

/// The approximate number of entries of a block: enough work to wake a thread for.
const BLOCK: usize = 1 << 14;

/// The shape of a tensor, and the number of channels in a block, which depends on the shape alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    pub batch: usize,
    pub channels: usize,
    pub pixels: usize,
    /// The channels of a block. The last block may have fewer.
    pub block: usize,
}

impl Blocks {
    pub fn new([batch, channels, height, width]: [usize; 4]) -> Self {
        let pixels = height * width;
        let wanted = (BLOCK / (batch * pixels)).max(1);
        // If channels are shorter than a cache line, blocks consist of whole lines.
        let block = if pixels < LINE {
            wanted.next_multiple_of(LINE)
        } else {
            wanted
        };
        Self {
            batch,
            channels,
            pixels,
            block: block.min(channels),
        }
    }

    /// The number of entries of the tensor.
    pub fn numbers(&self) -> usize {
        self.batch * self.channels * self.pixels
    }

    /// The number of entries of a channel.
    pub fn count(&self) -> f64 {
        (self.batch * self.pixels) as f64
    }

    /// The rows of each block. A row is the part of one image in the block.
    pub fn rows<'a, T, const I: usize>(&self, tensors: [&'a [T]; I]) -> Vec<Vec<[&'a [T]; I]>> {
        let images = self.channels * self.pixels;
        (0..self.channels)
            .step_by(self.block)
            .map(|first| {
                let last = (first + self.block).min(self.channels);
                let row = first * self.pixels..last * self.pixels;
                (0..self.batch)
                    .map(|image| tensors.map(|tensor| &tensor[image * images..][row.clone()]))
                    .collect()
            })
            .collect()
    }

    /// The mutable [`rows`](Self::rows) of each block.
    pub fn rows_mut<'a, T>(&self, tensor: &'a mut [T]) -> Vec<Vec<&'a mut [T]>> {
        let count = self.channels.div_ceil(self.block);
        let mut blocks: Vec<_> = (0..count).map(|_| Vec::with_capacity(self.batch)).collect();
        for image in tensor.chunks_exact_mut(self.channels * self.pixels) {
            let rows = image.chunks_mut(self.block * self.pixels);
            for (block, row) in blocks.iter_mut().zip(rows) {
                block.push(row);
            }
        }
        blocks
    }

    /// The parameters of the channels of each block.
    pub fn parameters<'a, T, const M: usize>(&self, numbers: [&'a [T]; M]) -> Vec<[&'a [T]; M]> {
        (0..self.channels)
            .step_by(self.block)
            .map(|first| {
                let last = (first + self.block).min(self.channels);
                numbers.map(|numbers| &numbers[first..last])
            })
            .collect()
    }
}

/// Runs all tasks and concatenates their results, which are vectors of channels.
pub(super) fn join<Task: Send, T: Send, const K: usize>(
    tasks: Vec<Task>,
    run: impl Fn(Task) -> [Vec<T>; K] + Sync + Send,
) -> [Vec<T>; K] {
    let parts: Vec<[Vec<T>; K]> = if tasks.len() == 1 {
        tasks.into_iter().map(run).collect()
    } else {
        tasks.into_par_iter().map(run).collect()
    };
    let mut joined = [const { Vec::new() }; K];
    for part in parts {
        for (joined, part) in joined.iter_mut().zip(part) {
            joined.extend(part);
        }
    }
    joined
}
