//! Elementwise operators.

use burn::tensor::Tensor;
use pulp::Arch;
use rayon::prelude::*;

use super::composed;
use crate::flex::{flex, in_order, is_plain, reading, tensor};
use crate::float::{Float, for_type};

/// Fewer entries than this are processed by one thread.
const MANY: usize = 1 << 15;
/// The number of entries of a task.
const TASK: usize = 1 << 13;

/// The rectified linear unit, `max(x, 0)`. NaN stays NaN.
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if !is_plain(&x) {
        return composed::relu(x);
    }
    let mut x = flex(x);
    for_type!(x, T => update(T::numbers_mut(&mut x), |x| {
        for x in x {
            *x = if *x <= T::default() { T::default() } else { *x };
        }
    }));
    tensor(x)
}

/// The derivative of [`relu`], applied to a gradient or a tangent `signal`: the signal if the output is positive, else
/// 0. As in burn, a signal with the output NaN is not changed.
///
/// # Panics
///
/// Panics if the shapes differ.
pub fn gate<const D: usize>(signal: Tensor<D>, output: &Tensor<D>) -> Tensor<D> {
    assert_eq!(
        signal.dims(),
        output.dims(),
        "a signal has the shape of the output"
    );
    if !is_plain(&signal) {
        return composed::gate(signal, output.clone());
    }
    let (mut signal, output) = (flex(signal), reading(output));
    for_type!(output, T => {
        merge(T::numbers_mut(&mut signal), T::numbers(&output), |signal: T, output| {
            if output <= T::default() { T::default() } else { signal }
        })
    });
    tensor(signal)
}

/// The sum of two tensors. It overwrites an argument whose memory is not shared.
///
/// # Panics
///
/// Panics if the shapes differ.
pub fn add<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    assert_eq!(a.dims(), b.dims(), "summands have one shape");
    if !is_plain(&a) {
        return a + b;
    }
    let (a, b) = (flex(a), flex(b));
    // The sum of two numbers is commutative in floating point.
    let (mut sum, other) = if a.is_unique() && a.is_contiguous() {
        (a, b)
    } else {
        (b, a)
    };
    let other = in_order(other);
    for_type!(other, T => {
        merge(T::numbers_mut(&mut sum), T::numbers(&other), |a: T, b| a + b)
    });
    tensor(sum)
}

/// Applies `run` to all numbers, task by task.
fn update<T: Float>(numbers: &mut [T], run: impl Fn(&mut [T]) + Sync) {
    let run = |part: &mut [T]| {
        Arch::new().dispatch(
            #[inline(always)]
            || run(part),
        )
    };
    if numbers.len() < MANY {
        run(numbers);
    } else {
        numbers.par_chunks_mut(TASK).for_each(run);
    }
}

/// Replaces each number by a formula of the number and its partner.
fn merge<T: Float>(numbers: &mut [T], partners: &[T], formula: impl Fn(T, T) -> T + Sync) {
    let run = |numbers: &mut [T], partners: &[T]| {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (number, partner) in numbers.iter_mut().zip(partners) {
                    *number = formula(*number, *partner);
                }
            },
        );
    };
    if numbers.len() < MANY {
        run(numbers, partners);
    } else {
        (numbers.par_chunks_mut(TASK))
            .zip(partners.par_chunks(TASK))
            .for_each(|(numbers, partners)| run(numbers, partners));
    }
}
