//! Batch normalization by the statistics of the batch.
//!
//! In each channel, with `m` entries over batch and pixels, mean `μ`, biased variance `σ²` and `s = 1/√(σ² + ε)`:
//! `x̂ = s (x − μ)` and `y = γ x̂ + β`. Sums are computed in `f64`, also for `f32` tensors.
//!
//! # References
//!
//! - S. Ioffe, C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
//!   Shift*, ICML 2015.

mod blocks;
mod kernels;
mod lanes;
mod second;

use std::borrow::Borrow;

use burn::tensor::Tensor;

use self::blocks::Blocks;
use super::composed;
use super::normalized::BatchNorm;
use crate::flex::{flex, is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::zeros;

/// Batch normalization by the statistics of the batch. The normalized input overwrites `x`, unless its memory is
/// shared.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - scale `γ`, shift `β`: `[channels]`
///
/// # Panics
///
/// Panics if `x` is empty, or if the parameters do not have an entry for each channel.
pub fn batch_norm(x: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>, epsilon: f64) -> BatchNorm {
    let shape = x.dims();
    check(shape, &[&scale, &shift], &[&x]);
    if !is_plain(&x) {
        return composed::batch_norm(x, scale, shift, epsilon);
    }
    let blocks = Blocks::new(shape);
    let mut normal = flex(x);
    let [scale, shift] = [&scale, &shift].map(reading);
    let (output, [inverse, mean, variance]) = for_type!(normal, T => {
        let mut output = zeros::<T>(blocks.numbers());
        let parameters = [T::numbers(&scale), T::numbers(&shift)];
        let numbers = T::numbers_mut(&mut normal);
        let by_channel = kernels::forward(&blocks, numbers, &mut output, parameters, epsilon);
        (T::tensor(output, shape.into()), by_channel.map(T::channels))
    });
    BatchNorm {
        output: tensor(output),
        normal: tensor(normal),
        inverse: tensor(inverse),
        mean: tensor(mean),
        variance: tensor(variance),
    }
}

/// The gradients at input, scale and shift, from the gradient `g` at the output. The gradient at the input overwrites
/// `g`, unless its memory is shared.
///
/// With the means `A` of `g` and `B` of `g x̂` over batch and pixels: `x̄ = γ s (g − A − x̂ B)`, `γ̄ = m B`,
/// `β̄ = m A`.
///
/// # Shapes
///
/// - normal, g: `[batch, channels, height, width]`, and so the gradient at the input
/// - inverse, scale, and the other gradients: `[channels]`
///
/// # Panics
///
/// Panics if the shapes do not match, or if `g` is empty.
pub fn batch_norm_gradient(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    g: Tensor<4>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let shape = g.dims();
    check(shape, &[inverse, scale], &[normal]);
    if !is_plain(&g) {
        return composed::batch_norm_gradient(normal, inverse, scale, g);
    }
    let blocks = Blocks::new(shape);
    let mut g = flex(g);
    let normal = reading(normal);
    let [inverse, scale] = [inverse, scale].map(reading);
    let [scale, shift] = for_type!(normal, T => {
        let factors = [T::numbers(&inverse), T::numbers(&scale)];
        let numbers = T::numbers_mut(&mut g);
        kernels::gradient(&blocks, T::numbers(&normal), numbers, factors).map(T::channels)
    });
    (tensor(g), tensor(scale), tensor(shift))
}

/// The tangents of the output and of the normalized input, and the mean `c` of `ẋ x̂` over batch and pixels.
///
/// `x̂̇ = s (ẋ − mean(ẋ) − x̂ c)`, which overwrites `ẋ` unless its memory is shared, and `ẏ = γ x̂̇ + γ̇ x̂ + β̇`. If
/// `ẋ` is `None`, the second and third result are zero and returned as `None`.
///
/// # Shapes
///
/// - normal, tangent `ẋ`, and the tangents of output and normalized input: `[batch, channels, height, width]`
/// - inverse, scale, scale tangent `γ̇`, shift tangent `β̇`, `c`: `[channels]`
///
/// # Panics
///
/// Panics if the shapes do not match, or if `normal` is empty.
pub fn batch_norm_tangent(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    tangent: Option<Tensor<4>>,
    scale_tangent: &Tensor<1>,
    shift_tangent: &Tensor<1>,
) -> (Tensor<4>, Option<Tensor<4>>, Option<Tensor<1>>) {
    let shape = normal.dims();
    let parameters = [inverse, scale, scale_tangent, shift_tangent];
    check(shape, &parameters, tangent.as_slice());
    if !is_plain(normal) {
        return composed::batch_norm_tangent(
            normal,
            inverse,
            scale,
            tangent,
            scale_tangent,
            shift_tangent,
        );
    }
    let blocks = Blocks::new(shape);
    let normal = reading(normal);
    let mut tangent = tangent.map(flex);
    let parameters = parameters.map(reading);
    let (output, along) = for_type!(normal, T => {
        let mut output = zeros::<T>(blocks.numbers());
        let parameters = parameters.each_ref().map(T::numbers);
        let along = kernels::tangent(
            &blocks,
            T::numbers(&normal),
            tangent.as_mut().map(T::numbers_mut),
            &mut output,
            parameters,
        );
        (T::tensor(output, shape.into()), along.map(T::channels))
    });
    (tensor(output), tangent.map(tensor), along.map(tensor))
}

/// The tangent of [`batch_norm_gradient`]: the tangents of the gradients at input, scale and shift.
///
/// `normal_tangent` and `along` are the second and third result of [`batch_norm_tangent`]. `g` is the gradient at the
/// output and `h` its tangent. The first result overwrites `h`, unless its memory is shared. With the means `A`, `B`,
/// `Ȧ` and `Ḃ` over batch and pixels of `g`, `g x̂`, `h` and `h x̂ + g x̂̇`, and `ṡ = −s² c`:
///
/// - at the input: `(γ̇ s + γ ṡ) (g − A − x̂ B) + γ s (h − Ȧ − x̂̇ B − x̂ Ḃ)`
/// - at the scale: `m Ḃ`
/// - at the shift: `m Ȧ`
///
/// # Shapes
///
/// - normal, g, normal tangent, h: `[batch, channels, height, width]`, and so the first result
/// - inverse, scale, scale tangent `γ̇`, along, and the other results: `[channels]`
///
/// # Panics
///
/// Panics if the shapes do not match, if only one of `normal_tangent` and `along` is `None`, or if `h` is empty.
#[allow(clippy::too_many_arguments)]
pub fn batch_norm_gradient_tangent(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    scale_tangent: &Tensor<1>,
    g: &Tensor<4>,
    normal_tangent: Option<&Tensor<4>>,
    along: Option<&Tensor<1>>,
    h: Tensor<4>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let shape = h.dims();
    check(shape, &[inverse, scale, scale_tangent], &[normal, g]);
    check(shape, along.as_slice(), normal_tangent.as_slice());
    assert_eq!(
        normal_tangent.is_some(),
        along.is_some(),
        "batch_norm_tangent gives a normal tangent and its mean along the normal, or none of them"
    );
    if !is_plain(&h) {
        return composed::batch_norm_gradient_tangent(
            normal,
            inverse,
            scale,
            scale_tangent,
            g,
            normal_tangent,
            along,
            h,
        );
    }
    let blocks = Blocks::new(shape);
    let mut h = flex(h);
    let [normal, g] = [normal, g].map(reading);
    let normal_tangent = normal_tangent.map(reading);
    let parameters = [inverse, scale, scale_tangent].map(reading);
    let along = along.map(reading);
    let [scale, shift] = for_type!(normal, T => {
        let along = along.as_ref().map(T::numbers);
        let input = second::Input { normal: T::numbers(&normal), g: T::numbers(&g) };
        let parameters = parameters.each_ref().map(T::numbers);
        let numbers = T::numbers_mut(&mut h);
        match normal_tangent.as_ref().map(T::numbers).zip(along) {
            Some(tangent) => second::gradient_tangent(&blocks, input, tangent, numbers, parameters),
            None => second::gradient_tangent_at_rest(&blocks, input, numbers, parameters),
        }
        .map(T::channels)
    });
    (tensor(h), tensor(scale), tensor(shift))
}

/// Checks the shapes of tensors and parameters.
///
/// # Panics
///
/// Panics if a tensor does not have the shape, if a parameter does not have an entry for each channel, or if the shape
/// is empty.
fn check(
    shape: [usize; 4],
    parameters: &[impl Borrow<Tensor<1>>],
    tensors: &[impl Borrow<Tensor<4>>],
) {
    let [_, channels, _, _] = shape;
    assert!(
        !shape.contains(&0),
        "batch normalization needs numbers, not a tensor of shape {shape:?}"
    );
    for parameter in parameters {
        let [length] = parameter.borrow().dims();
        assert_eq!(
            length, channels,
            "a parameter has an entry for each channel"
        );
    }
    for tensor in tensors {
        assert_eq!(tensor.borrow().dims(), shape, "tensors of one shape");
    }
}
