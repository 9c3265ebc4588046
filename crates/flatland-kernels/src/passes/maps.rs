//! The maps of images: the pixels of a channel of one image.

use crate::float::Float;
use crate::fresh::in_chunks;

/// Numbers of a task, at least.
const TASK: usize = 1 << 13;

/// So many maps of `pixels` numbers, which are zeros until `run` is given them, with their indices. For each, `run` reads
/// about `pixels_read` numbers.
pub(super) fn map_by_map<T: Float>(
    maps: usize,
    pixels: usize,
    pixels_read: usize,
    run: impl Fn(&mut [T], usize) + Sync + Send,
) -> Vec<T> {
    if pixels == 0 {
        return Vec::new();
    }
    let count = TASK.div_ceil(pixels.max(pixels_read));
    let task = |(): &mut (), task: usize, maps: &mut [T]| {
        let maps = maps.chunks_exact_mut(pixels).enumerate();
        maps.for_each(|(place, map)| run(map, task * count + place));
    };
    in_chunks(maps * pixels, count * pixels, || (), task)
}

/// The numbers of a map of so many pixels.
pub(super) fn map<T>(numbers: &[T], index: usize, pixels: usize) -> &[T] {
    &numbers[index * pixels..][..pixels]
}
