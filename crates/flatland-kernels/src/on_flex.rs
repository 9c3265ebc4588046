//! Sums of convolutions and their gradients, of flex's tensors: what the operators with and without a tape share.

use burn::tensor::Shape;
use burn_flex::FlexTensor;

use crate::conv2d::{self, Geometry, Term};
use crate::float::{Float, for_type};
use crate::fresh::filled;

/// Two factors, such as an input and a weight, whose numbers [lie in order](crate::flex::in_order).
pub(crate) type FlexTerm = [FlexTensor; 2];

/// Of some inputs, each with its weight.
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

/// Of some weights, each with the gradient at its output.
pub(crate) fn input_gradient(geometry: &Geometry, terms: &[FlexTerm]) -> FlexTensor {
    let [height, width] = geometry.input;
    let shape = [geometry.batch, geometry.channels_in, height, width];
    for_type!(terms[0][0], T => {
        T::tensor(conv2d::input_gradient(geometry, &numbers(terms)), Shape::from(shape))
    })
}

/// Of some inputs, each with the gradient at its output.
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

/// From the gradient at the output, whose numbers lie in order.
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
