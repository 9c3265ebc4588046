//! The forward, backward and tangent passes, for each block of channels.

use pulp::Arch;

use super::blocks::{Blocks, join};
use super::lanes::{overwrite, sums};
use crate::float::Float;

/// Normalizes `x` in place and writes the output. Returns `s`, the means and the variances.
pub(super) fn forward<T: Float>(
    blocks: &Blocks,
    x: &mut [T],
    output: &mut [T],
    parameters: [&[T]; 2],
    epsilon: f64,
) -> [Vec<T>; 3] {
    let tasks = (blocks.rows_mut(x).into_iter())
        .zip(blocks.rows_mut(output))
        .zip(blocks.parameters(parameters))
        .collect();
    join(tasks, |((x, output), parameters)| {
        Arch::new().dispatch(
            #[inline(always)]
            || forward_block(blocks, x, output, parameters, epsilon),
        )
    })
}

#[inline(always)]
fn forward_block<T: Float>(
    blocks: &Blocks,
    mut x: Vec<&mut [T]>,
    mut output: Vec<&mut [T]>,
    [scale, shift]: [&[T]; 2],
    epsilon: f64,
) -> [Vec<T>; 3] {
    let (pixels, count) = (blocks.pixels, blocks.count());
    let rows = with(&x, |x, _| [x]);
    let mean = total(blocks, &rows, scale.len());
    let mean: Vec<f64> = mean.iter().map(|sum| sum / count).collect();
    let variance = sums(
        &rows,
        pixels,
        &mean,
        #[inline(always)]
        |[x], mean| {
            let deviation = x - mean;
            deviation * deviation
        },
    );
    let variance: Vec<f64> = variance.iter().map(|sum| sum / count).collect();
    let inverse = (variance.iter())
        .map(|variance| T::from_f64(1.0 / (variance + epsilon).sqrt()))
        .collect();
    let results = [inverse, rounded(&mean), rounded(&variance)];
    let [inverse, center, _] = &results;
    // The rounding error of the mean, which would otherwise shift all numbers of the channel.
    let rest: Vec<T> = (mean.iter().zip(center))
        .map(|(mean, center)| T::from_f64(mean - (*center).into()))
        .collect();
    let no_others = vec![[]; x.len()];
    overwrite(
        &mut x,
        &no_others,
        pixels,
        [center, &rest, inverse],
        #[inline(always)]
        |x, [], [center, rest, inverse]| ((x - center) - rest) * inverse,
    );
    let normal = with(&x, |x, _| [x]);
    overwrite(
        &mut output,
        &normal,
        pixels,
        [scale, shift],
        #[inline(always)]
        |_, [normal], [scale, shift]| normal * scale + shift,
    );
    results
}

/// Overwrites the gradient at the output with that at the input. Returns the gradients at scale and shift.
pub(super) fn gradient<T: Float>(
    blocks: &Blocks,
    normal: &[T],
    g: &mut [T],
    parameters: [&[T]; 2],
) -> [Vec<T>; 2] {
    let tasks = (blocks.rows([normal]).into_iter())
        .zip(blocks.rows_mut(g))
        .zip(blocks.parameters(parameters))
        .collect();
    join(tasks, |((normal, g), parameters)| {
        Arch::new().dispatch(
            #[inline(always)]
            || gradient_block(blocks, &normal, g, parameters),
        )
    })
}

#[inline(always)]
fn gradient_block<T: Float>(
    blocks: &Blocks,
    normal: &[[&[T]; 1]],
    mut g: Vec<&mut [T]>,
    [inverse, scale]: [&[T]; 2],
) -> [Vec<T>; 2] {
    let rows = with(&g, |g, image| [g, normal[image][0]]);
    let [shift_sum, scale_sum] = products(blocks, &rows, scale.len());
    let means = [&shift_sum, &scale_sum].map(|sum| means(blocks, sum));
    let factor: Vec<T> = times(inverse, scale);
    overwrite(
        &mut g,
        normal,
        blocks.pixels,
        [&factor, &means[0], &means[1]],
        #[inline(always)]
        |g, [normal], [factor, a, b]| factor * (g - a - normal * b),
    );
    [rounded(&scale_sum), rounded(&shift_sum)]
}

/// Overwrites the tangent of the input, if there is one, with that of the normalized input, and writes that of the
/// output. Returns the mean of the product of the input's tangent and the normalized input.
pub(super) fn tangent<T: Float>(
    blocks: &Blocks,
    normal: &[T],
    tangent: Option<&mut [T]>,
    output: &mut [T],
    [inverse, scale, scale_tangent, shift_tangent]: [&[T]; 4],
) -> Option<Vec<T>> {
    let tasks = (blocks.rows([normal]).into_iter()).zip(blocks.rows_mut(output));
    let parameters = [scale_tangent, shift_tangent];
    let Some(tangent) = tangent else {
        let tasks = tasks.zip(blocks.parameters(parameters)).collect();
        let []: [Vec<T>; 0] = join(tasks, |((normal, mut output), parameters)| {
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    overwrite(
                        &mut output,
                        &normal,
                        blocks.pixels,
                        parameters,
                        #[inline(always)]
                        |_, [normal], [scale, shift]| normal * scale + shift,
                    );
                },
            );
            []
        });
        return None;
    };
    let parameters = [inverse, scale, scale_tangent, shift_tangent];
    let tasks = tasks
        .zip(blocks.rows_mut(tangent))
        .zip(blocks.parameters(parameters))
        .collect();
    let [along] = join(tasks, |(((normal, output), tangent), parameters)| {
        Arch::new().dispatch(
            #[inline(always)]
            || tangent_block(blocks, &normal, tangent, output, parameters),
        )
    });
    Some(along)
}

#[inline(always)]
fn tangent_block<T: Float>(
    blocks: &Blocks,
    normal: &[[&[T]; 1]],
    mut tangent: Vec<&mut [T]>,
    mut output: Vec<&mut [T]>,
    [inverse, scale, scale_tangent, shift_tangent]: [&[T]; 4],
) -> [Vec<T>; 1] {
    let rows = with(&tangent, |tangent, image| [tangent, normal[image][0]]);
    let [mean, along] = products(blocks, &rows, scale.len()).map(|sum| means::<T>(blocks, &sum));
    overwrite(
        &mut tangent,
        normal,
        blocks.pixels,
        [inverse, &mean, &along],
        #[inline(always)]
        |x, [normal], [inverse, mean, along]| inverse * (x - mean - normal * along),
    );
    let rows = with(&tangent, |tangent, image| [tangent, normal[image][0]]);
    overwrite(
        &mut output,
        &rows,
        blocks.pixels,
        [scale, scale_tangent, shift_tangent],
        #[inline(always)]
        |_, [tangent, normal], [scale, scale_tangent, shift_tangent]| {
            tangent * scale + normal * scale_tangent + shift_tangent
        },
    );
    [along]
}

/// The row of each image, joined with rows of other tensors.
#[inline(always)]
pub(super) fn with<'a, T, const I: usize>(
    rows: &'a [&mut [T]],
    join: impl Fn(&'a [T], usize) -> [&'a [T]; I],
) -> Vec<[&'a [T]; I]> {
    (rows.iter().enumerate())
        .map(|(image, row)| join(row, image))
        .collect()
}

/// The sum of each channel.
#[inline(always)]
pub(super) fn total<T: Float>(blocks: &Blocks, rows: &[[&[T]; 1]], channels: usize) -> Vec<f64> {
    sums(
        rows,
        blocks.pixels,
        &vec![0.0; channels],
        #[inline(always)]
        |[a], _| a,
    )
}

/// The sums of the first tensor, and of its product with the second, for each channel.
#[inline(always)]
pub(super) fn products<T: Float>(
    blocks: &Blocks,
    rows: &[[&[T]; 2]],
    channels: usize,
) -> [Vec<f64>; 2] {
    let firsts: Vec<_> = rows.iter().map(|[a, _]| [*a]).collect();
    let products = sums(
        rows,
        blocks.pixels,
        &vec![0.0; channels],
        #[inline(always)]
        |[a, b], _| a * b,
    );
    [total(blocks, &firsts, channels), products]
}

pub(super) fn means<T: Float>(blocks: &Blocks, sums: &[f64]) -> Vec<T> {
    let count = blocks.count();
    sums.iter().map(|sum| T::from_f64(sum / count)).collect()
}

pub(super) fn rounded<T: Float>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().copied().map(T::from_f64).collect()
}

pub(super) fn times<T: Float>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().zip(b).map(|(a, b)| *a * *b).collect()
}
