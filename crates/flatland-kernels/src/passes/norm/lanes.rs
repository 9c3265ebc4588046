//! Loops over the numbers of some channels, written for registers that hold several numbers.
//!
//! The numbers of a block of channels lie in one *row* for each image, `channels · pixels` long. Where an image has
//! [`LANES`] pixels or more, a channel's pixels are taken that many at a time; where it has fewer, the row is, so that a
//! register holds pixels of several channels. How sums are split depends on the shape alone, so their bits do not depend
//! on the instruction set.

use crate::float::Float;

/// Numbers taken together.
pub(super) const LANES: usize = 16;

/// Sums over batch and pixels, one for each channel, of `K` terms made of the numbers of `I` tensors and of the
/// channel's center.
#[inline(always)]
pub(super) fn sums<T: Float, const I: usize, const K: usize>(
    rows: &[[&[T]; I]],
    pixels: usize,
    centers: &[f64],
    term: impl Fn([f64; I], f64) -> [f64; K],
) -> [Vec<f64>; K] {
    if pixels < LANES {
        return sums_across(rows, pixels, centers, term);
    }
    let mut sums = [const { Vec::new() }; K];
    for (channel, center) in centers.iter().enumerate() {
        let mut lanes = [[0.0; LANES]; K];
        let center = [*center; LANES];
        for row in rows {
            let parts = row.map(|row| row[channel * pixels..][..pixels].as_chunks());
            for index in 0..pixels / LANES {
                let numbers = std::array::from_fn(|tensor| parts[tensor].0[index]);
                accumulate(&mut lanes, numbers, &center, &term);
            }
            for lane in 0..pixels % LANES {
                let numbers = std::array::from_fn(|tensor| parts[tensor].1[lane].into());
                let terms = term(numbers, center[lane]);
                for (lanes, term) in lanes.iter_mut().zip(terms) {
                    lanes[lane] += term;
                }
            }
        }
        for (sums, lanes) in sums.iter_mut().zip(&lanes) {
            sums.push(lanes.iter().sum());
        }
    }
    sums
}

/// As [`sums`], for few pixels: sums over the batch at each place of the row, then over the places of a channel.
#[inline(always)]
fn sums_across<T: Float, const I: usize, const K: usize>(
    rows: &[[&[T]; I]],
    pixels: usize,
    centers: &[f64],
    term: impl Fn([f64; I], f64) -> [f64; K],
) -> [Vec<f64>; K] {
    let centers = spread(centers, pixels);
    let mut places = [(); K].map(|()| vec![0.0; centers.len()]);
    let (whole, rest) = centers.as_chunks();
    for (index, center) in whole.iter().enumerate() {
        let mut lanes = [[0.0; LANES]; K];
        for row in rows {
            let numbers = row.map(|row| row.as_chunks().0[index]);
            accumulate(&mut lanes, numbers, center, &term);
        }
        for (places, lanes) in places.iter_mut().zip(&lanes) {
            places[index * LANES..][..LANES].copy_from_slice(lanes);
        }
    }
    let first = whole.len() * LANES;
    for row in rows {
        for (place, center) in (first..).zip(rest) {
            let terms = term(row.map(|row| row[place].into()), *center);
            for (places, term) in places.iter_mut().zip(terms) {
                places[place] += term;
            }
        }
    }
    places.map(|places| {
        (places.chunks_exact(pixels))
            .map(|channel| channel.iter().sum())
            .collect()
    })
}

#[inline(always)]
fn accumulate<T: Float, const I: usize, const K: usize>(
    lanes: &mut [[f64; LANES]; K],
    numbers: [[T; LANES]; I],
    center: &[f64; LANES],
    term: &impl Fn([f64; I], f64) -> [f64; K],
) {
    for lane in 0..LANES {
        let numbers = std::array::from_fn(|tensor| numbers[tensor][lane].into());
        let terms = term(numbers, center[lane]);
        for (lanes, term) in lanes.iter_mut().zip(terms) {
            lanes[lane] += term;
        }
    }
}

/// Overwrites each number with what a formula makes of it, of the numbers of `I` other tensors at its place, and of `M`
/// factors of its channel.
#[inline(always)]
pub(super) fn overwrite<T: Float, const I: usize, const M: usize>(
    targets: &mut [&mut [T]],
    others: &[[&[T]; I]],
    pixels: usize,
    factors: [&[T]; M],
    formula: impl Fn(T, [T; I], [T; M]) -> T,
) {
    let across = pixels < LANES;
    let factors = factors.map(|numbers| {
        if across {
            spread(numbers, pixels)
        } else {
            numbers.to_vec()
        }
    });
    let length = |target: &[T]| if across { target.len() } else { pixels };
    for (target, others) in targets.iter_mut().zip(others) {
        let length = length(target);
        // Once where the row is taken as a whole.
        for (channel, target) in target.chunks_exact_mut(length).enumerate() {
            let others = others.map(|other| other[channel * length..][..length].as_chunks());
            let (whole, rest) = target.as_chunks_mut();
            let lanes = |index: usize| {
                std::array::from_fn(|factor| {
                    if across {
                        factors[factor].as_chunks().0[index]
                    } else {
                        [factors[factor][channel]; LANES]
                    }
                })
            };
            for (index, target) in whole.iter_mut().enumerate() {
                let others = std::array::from_fn(|tensor| others[tensor].0[index]);
                lane_by_lane(target, others, lanes(index), &formula);
            }
            let first = if across { length - rest.len() } else { 0 };
            for (lane, target) in rest.iter_mut().enumerate() {
                let others = std::array::from_fn(|tensor| others[tensor].1[lane]);
                let place = if across { first + lane } else { channel };
                let factors = std::array::from_fn(|factor| factors[factor][place]);
                *target = formula(*target, others, factors);
            }
        }
    }
}

#[inline(always)]
fn lane_by_lane<T: Float, const I: usize, const M: usize>(
    target: &mut [T; LANES],
    others: [[T; LANES]; I],
    factors: [[T; LANES]; M],
    formula: &impl Fn(T, [T; I], [T; M]) -> T,
) {
    let mut results = *target;
    for (lane, result) in results.iter_mut().enumerate() {
        let others = std::array::from_fn(|tensor| others[tensor][lane]);
        let factors = std::array::from_fn(|factor| factors[factor][lane]);
        *result = formula(*result, others, factors);
    }
    *target = results;
}

/// Each channel's number, once for each pixel.
fn spread<T: Copy>(numbers: &[T], pixels: usize) -> Vec<T> {
    (numbers.iter())
        .flat_map(|number| std::iter::repeat_n(*number, pixels))
        .collect()
}
