//! Sums of convolutions and their gradients on tensors of the backend flex, with and without a tape.

use burn::tensor::Shape;
use burn_flex::FlexTensor;

use crate::conv2d::{self, Geometry, Term};
use crate::float::{Float, for_type};
use crate::fresh::filled;

/// Two contiguous factors, such as an input and a weight.
pub(crate) type FlexTerm = [FlexTensor; 2];

/// The sum of convolutions over terms of an input and a weight.
pub(crate) fn forward(
    geometry: &Geometry,
    terms: &[FlexTerm],
    bias: Option<&FlexTensor>,
) -> FlexTensor {
    let [height, width] = geometry.output;
    let shape = [geometry.batch, geometry.channels_out, height, width];
    for_type!(terms[0][0], T => {
        let output = conv2d::forward(geometry, &numbers(terms), bias.map(T::numbers));
        T::tensor(output, Shape::from(shape))
    })
}

/// The gradient at the input: a sum over terms of a weight and the gradient at its output.
pub(crate) fn input_gradient(geometry: &Geometry, terms: &[FlexTerm]) -> FlexTensor {
    let [height, width] = geometry.input;
    let shape = [geometry.batch, geometry.channels_in, height, width];
    for_type!(terms[0][0], T => {
        T::tensor(conv2d::input_gradient(geometry, &numbers(terms)), Shape::from(shape))
    })
}

/// The gradient at the weight: a sum over terms of an input and the gradient at its output.
pub(crate) fn weight_gradient(geometry: &Geometry, terms: &[FlexTerm]) -> FlexTensor {
    let [height, width] = geometry.kernel;
    let shape = [geometry.channels_out, geometry.channels_in, height, width];
    for_type!(terms[0][0], T => {
        let weight = filled::<T>(shape.iter().product(), |memory| {
            conv2d::weight_gradient(geometry, &numbers(terms), memory)
        });
        T::tensor(weight, Shape::from(shape))
    })
}

/// The gradient at the bias, from the contiguous gradient at the output.
pub(crate) fn bias_gradient(gradient: &FlexTensor) -> FlexTensor {
    let shape: [usize; 4] = gradient.layout().shape().dims();
    for_type!(gradient, T => T::channels(conv2d::bias_gradient(shape, T::numbers(gradient))))
}

/// The numbers of some terms.
pub(crate) fn numbers<T: Float>(terms: &[FlexTerm]) -> Vec<Term<'_, T>> {
    (terms.iter())
        .map(|[left, right]| [T::numbers(left), T::numbers(right)])
        .collect()
}
