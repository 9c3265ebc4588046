//! Loops over maps. A map is one channel of one image.

use crate::float::Float;
use crate::fresh::in_chunks;

/// The smallest number of entries of a task.
const TASK: usize = 1 << 13;

/// `maps` maps of `pixels` numbers. `run` receives each map as zeros, with its index, and reads about `pixels_read`
/// numbers.
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

/// The numbers of map `index`, which has `pixels` pixels.
pub(super) fn map<T>(numbers: &[T], index: usize, pixels: usize) -> &[T] {
    &numbers[index * pixels..][..pixels]
}
