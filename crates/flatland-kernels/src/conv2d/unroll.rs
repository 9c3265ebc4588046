//! The unrolling of images to columns, and its transpose.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::Geometry;
use super::geometry::Tap;
use crate::float::Float;
use crate::product::{Matrix, Work};
use crate::transpose::transpose;

/// The memory of a task for the images of a group. It initially contains arbitrary numbers, and returns to the thread
/// when it is dropped.
pub(super) struct Scratch<T: Float> {
    memory: Vec<T>,
    lengths: [usize; 2],
}

/// The parts of a [`Scratch`]. A part that is not needed is empty.
pub(super) struct Parts<'a, T> {
    /// The images transposed by [`turned`].
    pub turned_input: &'a mut [T],
    pub turned_output: &'a mut [T],
    pub unrolled: &'a mut [T],
}

impl<T: Float> Scratch<T> {
    /// The memory for `outputs` outputs at a time.
    pub fn new(geometry: &Geometry, outputs: usize) -> Self {
        let turned = if geometry.group == 1 {
            0
        } else {
            geometry.group
        };
        let unrolled = if geometry.is_pointwise() {
            0
        } else {
            geometry.unrolled_rows() * geometry.unrolled_columns()
        };
        let lengths = [geometry.image_in(), outputs * geometry.image_out()].map(|n| turned * n);
        let length = lengths.iter().sum::<usize>() + unrolled;
        let mut memory = T::take_memory();
        if memory.len() < length {
            memory = vec![T::default(); length];
        }
        Self { memory, lengths }
    }

    /// The parts.
    pub fn parts(&mut self) -> Parts<'_, T> {
        let [input, output] = self.lengths;
        let (turned_input, rest) = self.memory.split_at_mut(input);
        let (turned_output, unrolled) = rest.split_at_mut(output);
        Parts {
            turned_input,
            turned_output,
            unrolled,
        }
    }
}

impl<T: Float> Drop for Scratch<T> {
    fn drop(&mut self) {
        T::keep_memory(std::mem::take(&mut self.memory));
    }
}

/// The images of a group, transposed to `[channels, height, width, images]`. A single image needs no transpose.
pub(super) fn turned<'a, T: Float>(
    images: &'a [T],
    count: usize,
    scratch: &'a mut [T],
    work: Work,
) -> &'a [T] {
    if count == 1 {
        return images;
    }
    let turned = &mut scratch[..images.len()];
    transpose(images, images.len() / count, turned, work);
    turned
}

/// The entries of a weight at the taps that cover pixels, `[channels_out, channels_in · taps]`. If all taps or a single
/// tap cover pixels, it is the weight itself.
pub(super) fn live_weight<'a, T: Float>(geometry: &Geometry, weight: &'a [T]) -> Cow<'a, [T]> {
    let (kernel, taps) = (geometry.kernel_size(), geometry.taps.as_slice());
    if taps.len() == kernel || taps.len() == 1 {
        return Cow::Borrowed(weight);
    }
    let mut live = vec![T::default(); weight.len() / kernel * taps.len()];
    let channels = geometry.channels_in;
    live.par_chunks_mut(channels * taps.len())
        .zip(weight.par_chunks(channels * kernel))
        .for_each(|(live, weight)| {
            for (live, weight) in live
                .chunks_exact_mut(taps.len())
                .zip(weight.chunks_exact(kernel))
            {
                for (live, tap) in live.iter_mut().zip(taps) {
                    *live = weight[tap.index];
                }
            }
        });
    Cow::Owned(live)
}

/// The unrolled images, `[channels_in · taps, rows · width · count]`, for some output rows of a group of `count`
/// transposed images. They are written to `scratch`, or are part of the images for a pointwise convolution.
pub(super) fn unroll<'a, T: Float>(
    geometry: &Geometry,
    images: &'a [T],
    count: usize,
    rows: Range<usize>,
    scratch: &'a mut [T],
    work: Work,
) -> Matrix<'a, T> {
    let line = geometry.output[1] * count;
    let columns = rows.len() * line;
    let shape = [geometry.unrolled_rows(), columns];
    let channel = geometry.pixels_in() * count;
    if geometry.is_pointwise() {
        return Matrix::new(&images[rows.start * line..], shape, channel);
    }
    let taps = geometry.taps.len();
    let unrolled = &mut scratch[..shape[0] * columns];
    let one = |(unrolled, image): (&mut [T], &[T])| {
        for (tap, unrolled) in geometry.taps.iter().zip(unrolled.chunks_exact_mut(columns)) {
            if geometry.stride == 1 && geometry.output[1] == geometry.input[1] {
                copy_lines(geometry, tap, image, count, rows.clone(), unrolled);
                continue;
            }
            for (row, line) in rows.clone().zip(unrolled.chunks_exact_mut(line)) {
                copy_line(geometry, tap, image, count, row, line);
            }
        }
    };
    let length = taps * columns;
    match work {
        Work::Alone => (unrolled.chunks_exact_mut(length))
            .zip(images.chunks_exact(channel))
            .for_each(one),
        Work::Shared => (unrolled.par_chunks_exact_mut(length))
            .zip(images.par_chunks_exact(channel))
            .for_each(one),
    }
    Matrix::new(unrolled, shape, columns)
}

/// Copies the pixels under a tap for some output rows, if output rows have the length of input rows: one block of
/// pixels, with padding between two rows.
fn copy_lines<T: Float>(
    geometry: &Geometry,
    tap: &Tap,
    image: &[T],
    count: usize,
    rows: Range<usize>,
    lines: &mut [T],
) {
    let line = geometry.output[1] * count;
    let covered = tap.rows.start.max(rows.start)..tap.rows.end.min(rows.end);
    if covered.is_empty() {
        return lines.fill(T::default());
    }
    let [start, end] = [tap.columns.start, tap.columns.end].map(|column| column * count);
    let first = (covered.start - rows.start) * line + start;
    let last = (covered.end - 1 - rows.start) * line + end;
    let pixels = first_pixel(geometry, tap, count, covered.start);
    lines[..first].fill(T::default());
    lines[first..last].copy_from_slice(&image[pixels..][..last - first]);
    lines[last..].fill(T::default());
    let padding = start + line - end;
    if padding > 0 {
        for between in (first + end - start..last).step_by(line) {
            lines[between..between + padding].fill(T::default());
        }
    }
}

/// Copies the pixels under a tap for one output row.
fn copy_line<T: Float>(
    geometry: &Geometry,
    tap: &Tap,
    image: &[T],
    count: usize,
    row: usize,
    line: &mut [T],
) {
    if !tap.rows.contains(&row) {
        line.fill(T::default());
        return;
    }
    let Range { start, end } = tap.columns;
    line[..start * count].fill(T::default());
    line[end * count..].fill(T::default());
    let line = &mut line[start * count..end * count];
    let pixels = first_pixel(geometry, tap, count, row);
    if geometry.stride == 1 {
        line.copy_from_slice(&image[pixels..][..line.len()]);
    } else if count == 1 {
        let pixels = image[pixels..].iter().step_by(geometry.stride);
        for (number, pixel) in line.iter_mut().zip(pixels) {
            *number = *pixel;
        }
    } else {
        let pixels = image[pixels..].chunks(count).step_by(geometry.stride);
        for (numbers, pixel) in line.chunks_exact_mut(count).zip(pixels) {
            numbers.copy_from_slice(pixel);
        }
    }
}

/// The place of the first pixel under a tap for an output row, in a channel of the images.
pub(crate) fn first_pixel(geometry: &Geometry, tap: &Tap, count: usize, row: usize) -> usize {
    let y = row * geometry.stride + tap.row - geometry.padding;
    let x = tap.columns.start * geometry.stride + tap.column - geometry.padding;
    (y * geometry.input[1] + x) * count
}

/// The transpose of [`unroll`]: adds every number to the pixel from which it was copied.
pub(super) fn fold<T: Float>(
    geometry: &Geometry,
    unrolled: &[T],
    count: usize,
    rows: Range<usize>,
    images: &mut [T],
    work: Work,
) {
    let line = geometry.output[1] * count;
    let columns = rows.len() * line;
    let one = |(unrolled, image): (&[T], &mut [T])| {
        for (tap, unrolled) in geometry.taps.iter().zip(unrolled.chunks_exact(columns)) {
            for (row, line) in rows.clone().zip(unrolled.chunks_exact(line)) {
                if tap.rows.contains(&row) {
                    add_line(geometry, tap, image, count, row, line);
                }
            }
        }
    };
    let (length, channel) = (geometry.taps.len() * columns, geometry.pixels_in() * count);
    match work {
        Work::Alone => (unrolled.chunks_exact(length))
            .zip(images.chunks_exact_mut(channel))
            .for_each(one),
        Work::Shared => (unrolled.par_chunks_exact(length))
            .zip(images.par_chunks_exact_mut(channel))
            .for_each(one),
    }
}

fn add_line<T: Float>(
    geometry: &Geometry,
    tap: &Tap,
    image: &mut [T],
    count: usize,
    row: usize,
    line: &[T],
) {
    let line = &line[tap.columns.start * count..tap.columns.end * count];
    let pixels = &mut image[first_pixel(geometry, tap, count, row)..];
    if geometry.stride == 1 {
        add(pixels, line);
    } else if count == 1 {
        add(pixels.iter_mut().step_by(geometry.stride), line);
    } else {
        let pixels = pixels.chunks_mut(count).step_by(geometry.stride);
        for (pixel, numbers) in pixels.zip(line.chunks_exact(count)) {
            add(pixel, numbers);
        }
    }
}

fn add<'a, T: Float>(sums: impl IntoIterator<Item = &'a mut T>, numbers: &[T]) {
    for (sum, number) in sums.into_iter().zip(numbers) {
        *sum += *number;
    }
}
