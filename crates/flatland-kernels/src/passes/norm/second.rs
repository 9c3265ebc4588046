//! The tangent of the backward pass, for each block of channels.

use pulp::Arch;

use super::blocks::{Blocks, join};
use super::kernels::{means, products, rounded, times, total, with};
use super::lanes::{overwrite, sums};
use crate::float::Float;

/// The normalized input and the gradient at the output.
#[derive(Clone, Copy)]
pub(super) struct Input<'a, T> {
    pub normal: &'a [T],
    pub g: &'a [T],
}

/// Overwrites the tangent `h` of the gradient at the output with that of the gradient at the input. Returns the
/// tangents of the gradients at scale and shift. `tangent` is the tangent of the normalized input, and `along` the mean
/// of the input's tangent along the normalized input.
pub(super) fn gradient_tangent<T: Float>(
    blocks: &Blocks,
    Input { normal, g }: Input<T>,
    (tangent, along): (&[T], &[T]),
    h: &mut [T],
    [inverse, scale, scale_tangent]: [&[T]; 3],
) -> [Vec<T>; 2] {
    let parameters = [inverse, scale, scale_tangent, along];
    let tasks = (blocks.rows([normal, g, tangent]).into_iter())
        .zip(blocks.rows_mut(h))
        .zip(blocks.parameters(parameters))
        .collect();
    join(tasks, |((rows, h), parameters)| {
        Arch::new().dispatch(
            #[inline(always)]
            || gradient_tangent_block(blocks, &rows, h, parameters),
        )
    })
}

#[inline(always)]
fn gradient_tangent_block<T: Float>(
    blocks: &Blocks,
    others: &[[&[T]; 3]],
    mut h: Vec<&mut [T]>,
    [inverse, scale, scale_tangent, along]: [&[T]; 4],
) -> [Vec<T>; 2] {
    let channels = scale.len();
    let rows: Vec<_> = others.iter().map(|[normal, g, _]| [*g, *normal]).collect();
    let [a, b] = products(blocks, &rows, channels).map(|sums| means::<T>(blocks, &sums));
    let rows = with(&h, |h, _| [h]);
    let shift = total(blocks, &rows, channels);
    let rows = with(&h, |h, image| {
        let [normal, g, tangent] = others[image];
        [h, normal, g, tangent]
    });
    let scale_sum = sums(
        &rows,
        blocks.pixels,
        &vec![0.0; channels],
        #[inline(always)]
        |[h, normal, g, tangent], _| h * normal + g * tangent,
    );
    let [a_tangent, b_tangent] = [&shift, &scale_sum].map(|sum| means::<T>(blocks, sum));
    let factor = times(inverse, scale);
    // γ̇ s + γ ṡ
    let factor_tangent: Vec<T> = (inverse.iter().zip(scale))
        .zip(scale_tangent.iter().zip(along))
        .map(|((s, scale), (scale_tangent, along))| {
            *scale_tangent * *s - *scale * (*s * *s * *along)
        })
        .collect();
    overwrite(
        &mut h,
        others,
        blocks.pixels,
        [&factor, &factor_tangent, &a, &b, &a_tangent, &b_tangent],
        #[inline(always)]
        |h, [normal, g, tangent], [factor, factor_tangent, a, b, a_tangent, b_tangent]| {
            factor_tangent * (g - a - normal * b)
                + factor * (h - a_tangent - tangent * b - normal * b_tangent)
        },
    );
    [rounded(&scale_sum), rounded(&shift)]
}

/// [`gradient_tangent`] for an input with a zero tangent.
pub(super) fn gradient_tangent_at_rest<T: Float>(
    blocks: &Blocks,
    Input { normal, g }: Input<T>,
    h: &mut [T],
    parameters: [&[T]; 3],
) -> [Vec<T>; 2] {
    let tasks = (blocks.rows([normal, g]).into_iter())
        .zip(blocks.rows_mut(h))
        .zip(blocks.parameters(parameters))
        .collect();
    join(tasks, |((rows, h), parameters)| {
        Arch::new().dispatch(
            #[inline(always)]
            || gradient_tangent_at_rest_block(blocks, &rows, h, parameters),
        )
    })
}

#[inline(always)]
fn gradient_tangent_at_rest_block<T: Float>(
    blocks: &Blocks,
    others: &[[&[T]; 2]],
    mut h: Vec<&mut [T]>,
    [inverse, scale, scale_tangent]: [&[T]; 3],
) -> [Vec<T>; 2] {
    let rows: Vec<_> = others.iter().map(|[normal, g]| [*g, *normal]).collect();
    let [a, b] = products(blocks, &rows, scale.len()).map(|sums| means::<T>(blocks, &sums));
    let rows = with(&h, |h, image| [h, others[image][0]]);
    let [shift, scale_sum] = products(blocks, &rows, scale.len());
    let [a_tangent, b_tangent] = [&shift, &scale_sum].map(|sum| means::<T>(blocks, sum));
    let factor = times(inverse, scale);
    let factor_tangent = times(inverse, scale_tangent);
    overwrite(
        &mut h,
        others,
        blocks.pixels,
        [&factor, &factor_tangent, &a, &b, &a_tangent, &b_tangent],
        #[inline(always)]
        |h, [normal, g], [factor, factor_tangent, a, b, a_tangent, b_tangent]| {
            factor_tangent * (g - a - normal * b) + factor * (h - a_tangent - normal * b_tangent)
        },
    );
    [rounded(&scale_sum), rounded(&shift)]
}
