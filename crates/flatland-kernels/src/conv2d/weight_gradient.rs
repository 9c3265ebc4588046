//! The gradients at the weight and at the bias.

use std::ops::Range;

use rayon::prelude::*;

use super::unroll::{Parts, Scratch, turned, unroll};
use super::{Geometry, Term};
use crate::float::Float;
use crate::fresh::{Fresh, filled, zeros};
use crate::product::{Matrix, Target, Work};
use crate::transpose::transpose;

/// The largest number of parts of a batch whose sums are computed in parallel.
const PARTS: usize = 16;
/// The largest number of entries in the sums of all parts.
const SUMS: usize = 1 << 20;
/// With fewer parts than this, the batch is one part, and threads share the work inside.
const LEAST_PARTS: usize = 4;

/// Fills memory with the gradient at the weight, `[channels_out, channels_in, kernel_height, kernel_width]`: a sum over
/// terms of an input and the gradient at its output.
pub(crate) fn weight_gradient<'a, T: Float>(
    geometry: &Geometry,
    terms: &[Term<'_, T>],
    weight: Fresh<'a, T>,
) -> &'a mut [T] {
    let entries = geometry.channels_out * geometry.unrolled_rows();
    let parts = match (SUMS / entries).min(PARTS).min(geometry.groups()) {
        parts if parts < LEAST_PARTS => 1,
        parts => parts,
    };
    let is_whole = geometry.taps.len() == geometry.kernel_size();
    let is_swapped = is_swapped(geometry);
    let work = Geometry::work(parts);
    if parts == 1 && is_whole && !is_swapped {
        return add_up(geometry, terms, 0..geometry.groups(), work, weight);
    }
    let sums: Vec<Vec<T>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let groups = share(geometry.groups(), parts, part);
            filled(entries, |sum| add_up(geometry, terms, groups, work, sum))
        })
        .collect();
    let mut total = total(sums);
    if is_swapped {
        if is_whole {
            let weight = weight.zeroed();
            transpose(&total, geometry.channels_out, weight, Work::Shared);
            return weight;
        }
        let mut live = zeros(entries);
        transpose(&total, geometry.channels_out, &mut live, Work::Shared);
        total = live;
    }
    if is_whole {
        weight.copied(&total)
    } else {
        spread(geometry, &total, weight)
    }
}

/// Whether the transpose of the gradient is computed. A product transposes its right factor, which is either the
/// unrolled images or, for the transpose, the smaller gradient at the output. In the second case, the sum is transposed
/// at the end.
fn is_swapped(geometry: &Geometry) -> bool {
    let [rows, channels] = [geometry.unrolled_rows(), geometry.channels_out];
    let columns = geometry.batch * geometry.pixels_out();
    columns * rows.saturating_sub(channels) > 2 * rows * channels
}

/// The sum of some vectors, in their order.
fn total<T: Float>(parts: Vec<Vec<T>>) -> Vec<T> {
    /// The smallest number of entries of a thread.
    const SHARE: usize = 1 << 13;
    let mut parts = parts.into_iter();
    let mut total = parts.next().expect("at least one part");
    let rest: Vec<_> = parts.collect();
    (total.par_chunks_mut(SHARE).enumerate()).for_each(|(share, total)| {
        for part in &rest {
            let part = &part[share * SHARE..];
            total.iter_mut().zip(part).for_each(|(t, p)| *t += *p);
        }
    });
    total
}

/// The range of a part, if `count` items are divided into `parts` parts.
fn share(count: usize, parts: usize, part: usize) -> Range<usize> {
    part * count / parts..(part + 1) * count / parts
}

/// Fills memory with the contribution of some groups to the gradient, at the taps that cover pixels. It is the
/// transpose if [`is_swapped`].
fn add_up<'a, T: Float>(
    geometry: &Geometry,
    terms: &[Term<'_, T>],
    groups: Range<usize>,
    work: Work,
    memory: Fresh<'a, T>,
) -> &'a mut [T] {
    let is_swapped = is_swapped(geometry);
    let channels = geometry.channels_out;
    let mut scratch = Scratch::new(geometry, 1);
    let Parts {
        turned_input,
        turned_output,
        unrolled: scratch,
    } = scratch.parts();
    let mut target = Target::Empty(memory);
    for group in groups {
        let images = geometry.images(group);
        let count = images.len();
        for [input, gradient] in terms {
            let input = &input[geometry.numbers_in(&images)];
            let input = turned(input, count, turned_input, work);
            let gradient = &gradient[geometry.numbers_out(&images)];
            let gradient = turned(gradient, count, turned_output, work);
            for band in geometry.bands() {
                let start = band.start * geometry.output[1] * count;
                let columns = band.len() * geometry.output[1] * count;
                let outputs = Matrix::new(
                    &gradient[start..],
                    [channels, columns],
                    geometry.pixels_out() * count,
                );
                let unrolled = unroll(geometry, input, count, band, scratch, work);
                target = if is_swapped {
                    target.add(unrolled, outputs.transposed(), work)
                } else {
                    target.add(outputs, unrolled.transposed(), work)
                };
            }
        }
    }
    target.sum()
}

/// Fills memory with the entries at the taps that cover pixels, and zeros at the other taps.
fn spread<'a, T: Float>(geometry: &Geometry, live: &[T], weight: Fresh<'a, T>) -> &'a mut [T] {
    let (kernel, taps) = (geometry.kernel_size(), geometry.taps.as_slice());
    let channels = geometry.channels_in;
    weight.in_chunks(
        channels * kernel,
        || (),
        |(), row, weight| {
            let live = live[row * channels * taps.len()..].chunks_exact(taps.len());
            for (weight, live) in weight.chunks_exact_mut(kernel).zip(live) {
                for (live, tap) in live.iter().zip(taps) {
                    weight[tap.index] = *live;
                }
            }
        },
    )
}

/// The gradient at the bias, `[channels]`, from the gradient at an output of this shape. Sums are computed in `f64`.
pub(crate) fn bias_gradient<T: Float>(shape: [usize; 4], gradient: &[T]) -> Vec<T> {
    let [batch, channels, height, width] = shape;
    let image = channels * height * width;
    let parts = PARTS.min(batch);
    let sums: Vec<Vec<f64>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let mut sums = vec![0.0; channels];
            let Range { start, end } = share(batch, parts, part);
            for image in gradient[start * image..end * image].chunks_exact(image) {
                let maps = image.chunks_exact(height * width);
                for (sum, map) in sums.iter_mut().zip(maps) {
                    *sum += map_sum(map);
                }
            }
            sums
        })
        .collect();
    (0..channels)
        .map(|channel| T::from_f64(sums.iter().map(|sums| sums[channel]).sum()))
        .collect()
}

/// The sum of some numbers, in several partial sums for vector instructions.
fn map_sum<T: Float>(numbers: &[T]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let mut blocks = numbers.chunks_exact(LANES);
    for block in &mut blocks {
        for (sum, number) in sums.iter_mut().zip(block) {
            *sum += (*number).into();
        }
    }
    let rest: f64 = blocks
        .remainder()
        .iter()
        .map(|number| (*number).into())
        .sum();
    sums.iter().sum::<f64>() + rest
}
