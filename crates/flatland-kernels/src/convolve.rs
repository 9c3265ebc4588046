//! Sums of convolutions and their gradients, without a tape.

use std::ops::Range;

use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};

use crate::conv2d::{Geometry, weight_gradient};
use crate::flat::Flat;
use crate::flex::{is_plain, reading, tensor};
use crate::float::for_type;
use crate::on_flex::{self, FlexTerm, numbers};

/// `Σ input * weight + bias`: a sum of cross-correlations with the same geometry. The tangent of a convolution is such
/// a sum, of `ẋ` with the weight and of `x` with the weight's tangent.
///
/// # Shapes
///
/// - input: `[batch, channels_in, height, width]`
/// - weight: `[channels_out, channels_in, kernel_height, kernel_width]`
/// - bias: `[channels_out]`
/// - output: the shape of [`conv2d`](crate::conv2d)'s output
///
/// # Panics
///
/// Panics under the conditions of [`conv2d`](crate::conv2d), if there are no terms, and if a tensor is on a tape.
pub fn convolve(
    terms: &[[&Tensor<4>; 2]],
    bias: Option<&Tensor<1>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let [input, weight] = first(terms);
    let geometry = Geometry::new(input.dims(), weight.dims(), stride, padding);
    if !is_plain(input) {
        let mut bias = bias.cloned();
        let outputs = terms.iter().map(|[input, weight]| {
            let (input, weight) = ((*input).clone(), (*weight).clone());
            module::conv2d(input, weight, bias.take(), options(stride, padding))
        });
        return outputs.reduce(|sum, output| sum + output).expect("terms");
    }
    let bias = bias.map(reading);
    tensor(on_flex::forward(&geometry, &held(terms), bias.as_ref()))
}

/// The gradient at the input of a convolution: a sum over terms of a weight and a gradient at the output.
///
/// # Shapes
///
/// - terms: weight and gradient, `[channels_out, channels_in, kernel_height, kernel_width]` and
///   `[batch, channels_out, height_out, width_out]`
/// - output: `input`, `[batch, channels_in, height, width]`
///
/// # Panics
///
/// Panics under the conditions of [`convolve`].
pub fn convolve_input_gradient(
    terms: &[[&Tensor<4>; 2]],
    input: [usize; 4],
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let [weight, _] = first(terms);
    let geometry = Geometry::new(input, weight.dims(), stride, padding);
    if !is_plain(weight) {
        let gradients = terms.iter().map(|[weight, gradient]| {
            let point = Tensor::zeros(input, (&weight.device(), weight.dtype()));
            reverse(gradient, point, |point| {
                let weight = Tensor::from_inner((*weight).clone());
                module::conv2d(point, weight, None, options(stride, padding))
            })
        });
        return gradients.reduce(|sum, part| sum + part).expect("terms");
    }
    tensor(on_flex::input_gradient(&geometry, &held(terms)))
}

/// Writes the gradient at the weight of a convolution to a range of `into`: a sum over terms of an input and a gradient
/// at the output.
///
/// # Shapes
///
/// - terms: input and gradient, `[batch, channels_in, height, width]` and
///   `[batch, channels_out, height_out, width_out]`
/// - result: `weight`, `[channels_out, channels_in, kernel_height, kernel_width]`, in row-major order
///
/// # Panics
///
/// Panics under the conditions of [`convolve`], and if the length of the range is not the size of the weight.
pub fn convolve_weight_gradient(
    terms: &[[&Tensor<4>; 2]],
    weight: [usize; 4],
    stride: usize,
    padding: usize,
    into: &mut Flat,
    range: Range<usize>,
) {
    let [input, _] = first(terms);
    let geometry = Geometry::new(input.dims(), weight, stride, padding);
    let length: usize = weight.iter().product();
    assert_eq!(range.len(), length, "a gradient fills its range");
    if is_plain(input) {
        let terms = held(terms);
        return for_type!(terms[0][0], T => {
            into.write::<T>(range, |memory| weight_gradient(&geometry, &numbers(&terms), memory));
        });
    }
    let gradients = terms.iter().map(|[input, gradient]| {
        let point = Tensor::zeros(weight, (&input.device(), input.dtype()));
        reverse(gradient, point, |point| {
            let input = Tensor::from_inner((*input).clone());
            module::conv2d(input, point, None, options(stride, padding))
        })
    });
    let sum = gradients.reduce(|sum, part| sum + part).expect("terms");
    into.put(range, sum.reshape([length]));
}

/// The gradient at the bias of a convolution: a sum over images and pixels.
///
/// # Shapes
///
/// - gradient: `[batch, channels_out, height_out, width_out]`
/// - output: `[channels_out]`
///
/// # Panics
///
/// Panics if the gradient is on a tape.
pub fn convolve_bias_gradient(gradient: &Tensor<4>) -> Tensor<1> {
    if !is_plain(gradient) {
        let [_, channels, _, _] = gradient.dims();
        return (gradient.clone())
            .sum_dims(&[0usize, 2, 3])
            .reshape([channels]);
    }
    tensor(on_flex::bias_gradient(&reading(gradient)))
}

/// The first term of a sum.
pub(crate) fn first<'a, T>(terms: &[[&'a T; 2]]) -> [&'a T; 2] {
    *terms.first().expect("a sum has at least one term")
}

fn options(stride: usize, padding: usize) -> ConvOptions<2> {
    ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1)
}

/// The gradient of `⟨gradient, output⟩` at `point`, by burn's tape.
pub(crate) fn reverse(
    gradient: &Tensor<4>,
    point: Tensor<4>,
    output: impl FnOnce(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let point = Tensor::from_inner(point).require_grad();
    let inner = output(point.clone()) * Tensor::from_inner(gradient.clone());
    let gradients = inner.sum().backward();
    point.grad(&gradients).expect("the output depends on it")
}

/// The contiguous tensors of the terms.
pub(crate) fn held<const D: usize>(terms: &[[&Tensor<D>; 2]]) -> Vec<FlexTerm> {
    (terms.iter()).map(|term| term.map(reading)).collect()
}
