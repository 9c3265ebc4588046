use burn::tensor::Tensor;
use flatland_kernels::{
    convolve, convolve_bias_gradient, convolve_input_gradient, convolve_weight_gradient,
};

use super::Slots;
use super::slots::Purpose;
use crate::{Conv2d, ForwardPass};

/// The saved values of a [`Conv2d`].
#[derive(Debug)]
pub(crate) struct SavedConv2d {
    /// `[batch, channels_in, height, width]`
    input: Tensor<4>,
    /// `[batch, channels_out, height_out, width_out]`, the adjoint of the output, after a backward pass.
    adjoint: Option<Tensor<4>>,
}

pub(super) fn record(
    layer: &Conv2d,
    pass: &ForwardPass<'_>,
    input: Tensor<4>,
) -> (Tensor<4>, SavedConv2d) {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight).value;
    let bias = (layer.bias.as_ref()).map(|bias| pass.parameter(bias).value);
    let output = convolve(&[[&input, &weight]], bias.as_ref(), stride, padding);
    let saved = SavedConv2d {
        input,
        adjoint: None,
    };
    (output, saved)
}

pub(super) fn backward(
    layer: &Conv2d,
    pass: &ForwardPass<'_>,
    saved: &mut SavedConv2d,
    requires_grad: bool,
    adjoint: Tensor<4>,
    purpose: &mut Purpose<'_, '_>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight).value;
    let input_adjoint = requires_grad.then(|| {
        convolve_input_gradient(&[[&weight, &adjoint]], saved.input.dims(), stride, padding)
    });
    match purpose {
        Purpose::Gradient(slots) => put(layer, &[[&saved.input, &adjoint]], slots),
        Purpose::Products => saved.adjoint = Some(adjoint),
    }
    input_adjoint
}

pub(super) fn jvp(
    layer: &Conv2d,
    pass: &ForwardPass<'_>,
    saved: &SavedConv2d,
    tangent: Option<Tensor<4>>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight);
    let bias = (layer.bias.as_ref()).and_then(|bias| pass.parameter(bias).tangent);
    let mut terms = Vec::with_capacity(2);
    // If the weight is frozen and the bias is not, a zero weight carries the bias.
    let frozen = (weight.tangent.is_none() && tangent.is_none() && bias.is_some())
        .then(|| weight.value.zeros_like());
    if let Some(weight) = weight.tangent.as_ref().or(frozen.as_ref()) {
        terms.push([&saved.input, weight]);
    }
    if let Some(tangent) = &tangent {
        terms.push([tangent, &weight.value]);
    }
    (!terms.is_empty()).then(|| convolve(&terms, bias.as_ref(), stride, padding))
}

#[allow(clippy::too_many_arguments)]
pub(super) fn backward_jvp(
    layer: &Conv2d,
    pass: &ForwardPass<'_>,
    saved: &SavedConv2d,
    requires_grad: bool,
    tangent: Option<Tensor<4>>,
    adjoint_tangent: Tensor<4>,
    slots: &mut Slots<'_>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let adjoint = saved.adjoint.as_ref().expect("a backward pass");
    let weight = pass.parameter(&layer.weight);
    let input_adjoint = requires_grad.then(|| {
        let mut terms = vec![[&weight.value, &adjoint_tangent]];
        if let Some(weight) = &weight.tangent {
            terms.push([weight, adjoint]);
        }
        convolve_input_gradient(&terms, saved.input.dims(), stride, padding)
    });
    let mut terms = vec![[&saved.input, &adjoint_tangent]];
    if let Some(tangent) = &tangent {
        terms.push([tangent, adjoint]);
    }
    put(layer, &terms, slots);
    input_adjoint
}

/// Writes the gradients of the parameters. The gradient of the weight is a sum over terms of an input and an adjoint.
/// The gradient of the bias is that of the first adjoint.
fn put(layer: &Conv2d, terms: &[[&Tensor<4>; 2]], slots: &mut Slots<'_>) {
    let [stride, padding] = layer.window();
    slots.write(&layer.weight, |vector, range| {
        let (weight, _) = layer.shape();
        convolve_weight_gradient(terms, weight, stride, padding, vector, range);
    });
    if let Some(bias) = &layer.bias {
        let [_, adjoint] = terms[0];
        slots.put(bias, || convolve_bias_gradient(adjoint));
    }
}
