//! Blocks of channels, which threads take one by one.

use rayon::prelude::*;

/// Numbers of a cache line, at most.
const LINE: usize = 16;

/// Numbers of a block, about: enough to be worth the waking of a thread.
const BLOCK: usize = 1 << 14;

/// A tensor's shape, and how many channels are taken at a time: by the shape alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    pub batch: usize,
    pub channels: usize,
    pub pixels: usize,
    /// Channels of a block; the last one may have fewer.
    pub block: usize,
}

impl Blocks {
    pub fn new([batch, channels, height, width]: [usize; 4]) -> Self {
        let pixels = height * width;
        let wanted = (BLOCK / (batch * pixels)).max(1);
        // Where channels are shorter than a cache line, blocks are of whole lines.
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

    /// Numbers of the tensor.
    pub fn numbers(&self) -> usize {
        self.batch * self.channels * self.pixels
    }

    /// Numbers of a channel.
    pub fn count(&self) -> f64 {
        (self.batch * self.pixels) as f64
    }

    /// The rows of each block, one for each image.
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

    /// As [`Self::rows`], to be written to.
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

    /// The numbers of the channels of each block.
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

/// Runs each task, and joins what they give for their channels.
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
