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
    let channels = centers.len();
    let across = pixels < LANES;
    let centers = if across {
        spread(centers, pixels)
    } else {
        centers.to_vec()
    };
    // Image by image, in the order of memory: the rows of a channel, a power of two apart, would share few places in a
    // cache.
    let tiles = if across {
        centers.len().div_ceil(LANES)
    } else {
        centers.len()
    };
    let mut totals = vec![[[0.0; LANES]; K]; tiles];
    for row in rows {
        if across {
            let (whole, rest) = centers.as_chunks();
            let parts = row.map(|row| row.as_chunks());
            for (index, (lanes, center)) in totals.iter_mut().zip(whole).enumerate() {
                let numbers = std::array::from_fn(|tensor| &parts[tensor].0[index]);
                accumulate(lanes, numbers, center, &term);
            }
            for (lane, center) in rest.iter().enumerate() {
                let numbers = std::array::from_fn(|tensor| parts[tensor].1[lane].into());
                add(&mut totals[whole.len()], lane, term(numbers, *center));
            }
        } else {
            for (channel, (totals, center)) in totals.iter_mut().zip(&centers).enumerate() {
                let parts = row.map(|row| row[channel * pixels..][..pixels].as_chunks());
                let mut lanes = *totals;
                for index in 0..pixels / LANES {
                    let numbers = std::array::from_fn(|tensor| &parts[tensor].0[index]);
                    accumulate(&mut lanes, numbers, &[*center; LANES], &term);
                }
                for lane in 0..pixels % LANES {
                    let numbers = std::array::from_fn(|tensor| parts[tensor].1[lane].into());
                    add(&mut lanes, lane, term(numbers, *center));
                }
                *totals = lanes;
            }
        }
    }
    let length = if across { pixels } else { LANES };
    std::array::from_fn(|term| {
        let lanes: Vec<f64> = totals.iter().flat_map(|lanes| lanes[term]).collect();
        (lanes.chunks_exact(length).take(channels))
            .map(|channel| channel.iter().sum())
            .collect()
    })
}

#[inline(always)]
fn add<const K: usize>(lanes: &mut [[f64; LANES]; K], lane: usize, terms: [f64; K]) {
    for (lanes, term) in lanes.iter_mut().zip(terms) {
        lanes[lane] += term;
    }
}

#[inline(always)]
fn accumulate<T: Float, const I: usize, const K: usize>(
    lanes: &mut [[f64; LANES]; K],
    numbers: [&[T; LANES]; I],
    center: &[f64; LANES],
    term: &impl Fn([f64; I], f64) -> [f64; K],
) {
    for lane in 0..LANES {
        let numbers = std::array::from_fn(|tensor| numbers[tensor][lane].into());
        add(lanes, lane, term(numbers, center[lane]));
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
    for (target, others) in targets.iter_mut().zip(others) {
        if across {
            let (whole, rest) = target.as_chunks_mut();
            let others = others.map(|other| other.as_chunks());
            let factors = factors.each_ref().map(|factor| factor.as_chunks());
            for (index, target) in whole.iter_mut().enumerate() {
                let others = std::array::from_fn(|tensor| &others[tensor].0[index]);
                let factors = std::array::from_fn(|factor| &factors[factor].0[index]);
                lane_by_lane(target, others, factors, &formula);
            }
            for (lane, target) in rest.iter_mut().enumerate() {
                let others = std::array::from_fn(|tensor| others[tensor].1[lane]);
                let factors = std::array::from_fn(|factor| factors[factor].1[lane]);
                *target = formula(*target, others, factors);
            }
        } else {
            for (channel, target) in target.chunks_exact_mut(pixels).enumerate() {
                let (whole, rest) = target.as_chunks_mut();
                let others = others.map(|other| other[channel * pixels..][..pixels].as_chunks());
                let factors: [T; M] = std::array::from_fn(|factor| factors[factor][channel]);
                let lanes = factors.map(|factor| [factor; LANES]);
                for (index, target) in whole.iter_mut().enumerate() {
                    let others = std::array::from_fn(|tensor| &others[tensor].0[index]);
                    lane_by_lane(target, others, lanes.each_ref(), &formula);
                }
                for (lane, target) in rest.iter_mut().enumerate() {
                    let others = std::array::from_fn(|tensor| others[tensor].1[lane]);
                    *target = formula(*target, others, factors);
                }
            }
        }
    }
}

#[inline(always)]
fn lane_by_lane<T: Float, const I: usize, const M: usize>(
    target: &mut [T; LANES],
    others: [&[T; LANES]; I],
    factors: [&[T; LANES]; M],
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
