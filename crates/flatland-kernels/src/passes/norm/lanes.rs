//! Loops over the entries of some channels, written for vector instructions.
//!
//! The entries of some channels are one *row* for each image, `channels · pixels` long. Loops run along a row and
//! include several channels if images are small, so loops are long for all sizes of images. Long rows are processed in
//! *tiles* that fit into the first cache. The lengths of the slices are not known to the compiler, which vectorizes
//! such loops more reliably than loops over a fixed number of lanes.
//!
//! The order of sums depends on the shape alone, so their bits do not depend on the instruction set.

use std::ops::Range;

use crate::float::Float;

/// The approximate number of entries of a row in a tile.
const TILE: usize = 512;
/// The number of rows that are added to the sums at a time, so sums are read and written less often.
const ROWS: usize = 4;
/// For images with fewer pixels than this, loops include several channels, with the factors of a channel at each place.
const LARGE_IMAGE: usize = 128;
/// The number of partial sums of a channel.
const LANES: usize = 8;

/// The sum over batch and pixels, for each channel, of a term of the entries of `I` tensors and of the channel's
/// center.
#[inline(always)]
pub(super) fn sums<T: Float, const I: usize>(
    rows: &[[&[T]; I]],
    pixels: usize,
    centers: &[f64],
    term: impl Fn([f64; I], f64) -> f64,
) -> Vec<f64> {
    let step = (TILE / pixels).max(1);
    let mut sums = Vec::with_capacity(centers.len());
    let mut places = vec![0.0; step * pixels];
    for (index, centers) in centers.chunks(step).enumerate() {
        let first = index * step * pixels;
        let centers = spread(centers, pixels);
        let tile = first..first + centers.len();
        let places = &mut places[..centers.len()];
        places.fill(0.0);
        let (groups, rest) = rows.as_chunks::<ROWS>();
        for rows in groups {
            let rows = rows.each_ref().map(|row| part(row, tile.clone()));
            add(places, rows, &centers, &term);
        }
        for row in rest {
            add(places, [part(row, tile.clone())], &centers, &term);
        }
        sums.extend(places.chunks_exact(pixels).map(sum));
    }
    sums
}

fn part<'a, T, const I: usize>(row: &[&'a [T]; I], tile: Range<usize>) -> [&'a [T]; I] {
    row.map(|row| &row[tile.clone()])
}

/// Adds the terms of `R` rows to the sums at each place.
#[inline(always)]
fn add<T: Float, const I: usize, const R: usize>(
    places: &mut [f64],
    rows: [[&[T]; I]; R],
    centers: &[f64],
    term: &impl Fn([f64; I], f64) -> f64,
) {
    let length = places.len();
    let rows = rows.map(|row| row.map(|row| &row[..length]));
    let centers = &centers[..length];
    for place in 0..length {
        let mut sum = 0.0;
        for row in &rows {
            let numbers = std::array::from_fn(|tensor| row[tensor][place].into());
            sum += term(numbers, centers[place]);
        }
        places[place] += sum;
    }
}

#[inline(always)]
fn sum(numbers: &[f64]) -> f64 {
    let (whole, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for numbers in whole {
        for (lane, number) in lanes.iter_mut().zip(numbers) {
            *lane += number;
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Replaces each entry by a formula of the entry, of the entries of `I` other tensors at its place, and of `M` factors
/// of its channel.
#[inline(always)]
pub(super) fn overwrite<T: Float, const I: usize, const M: usize>(
    targets: &mut [&mut [T]],
    others: &[[&[T]; I]],
    pixels: usize,
    factors: [&[T]; M],
    formula: impl Fn(T, [T; I], [T; M]) -> T,
) {
    let Some(length) = targets.first().map(|target| target.len()) else {
        return;
    };
    if pixels >= LARGE_IMAGE {
        for (target, others) in targets.iter_mut().zip(others) {
            for (channel, target) in target.chunks_exact_mut(pixels).enumerate() {
                let others = others.map(|other| &other[channel * pixels..]);
                segment(
                    target,
                    others,
                    factors.map(|factor| factor[channel]),
                    &formula,
                );
            }
        }
        return;
    }
    let step = TILE / pixels;
    for first in (0..length).step_by(step * pixels) {
        let last = (first + step * pixels).min(length);
        let factors = factors.map(|factor| spread(&factor[first / pixels..last / pixels], pixels));
        let factors = factors.each_ref().map(|factor| factor.as_slice());
        for (target, others) in targets.iter_mut().zip(others) {
            let others = others.map(|other| &other[first..last]);
            line(&mut target[first..last], others, factors, &formula);
        }
    }
}

/// Replaces the entries of one channel.
#[inline(always)]
fn segment<T: Float, const I: usize, const M: usize>(
    target: &mut [T],
    others: [&[T]; I],
    factors: [T; M],
    formula: &impl Fn(T, [T; I], [T; M]) -> T,
) {
    let length = target.len();
    let others = others.map(|other| &other[..length]);
    for place in 0..length {
        let others = std::array::from_fn(|tensor| others[tensor][place]);
        target[place] = formula(target[place], others, factors);
    }
}

/// Replaces entries, each with factors of its own.
#[inline(always)]
fn line<T: Float, const I: usize, const M: usize>(
    target: &mut [T],
    others: [&[T]; I],
    factors: [&[T]; M],
    formula: &impl Fn(T, [T; I], [T; M]) -> T,
) {
    let length = target.len();
    let others = others.map(|other| &other[..length]);
    let factors = factors.map(|factor| &factor[..length]);
    for place in 0..length {
        let others = std::array::from_fn(|tensor| others[tensor][place]);
        let factors = std::array::from_fn(|factor| factors[factor][place]);
        target[place] = formula(target[place], others, factors);
    }
}

/// The number of each channel, repeated for each pixel.
fn spread<T: Copy>(numbers: &[T], pixels: usize) -> Vec<T> {
    if pixels == 1 {
        return numbers.to_vec();
    }
    let mut places = Vec::with_capacity(numbers.len() * pixels);
    for number in numbers {
        places.resize(places.len() + pixels, *number);
    }
    places
}
