use burn::tensor::Tensor;
use flatland_kernels::{
    convolve, convolve_bias_gradient, convolve_input_gradient, convolve_weight_gradient,
};

use super::Slots;
use super::slots::Purpose;
use crate::{Conv2d, Pass};

#[derive(Debug)]
pub(crate) struct Kept {
    /// `[batch, channels_in, height, width]`
    input: Tensor<4>,
    /// `[batch, channels_out, height_out, width_out]`, after a reverse pass.
    adjoint: Option<Tensor<4>>,
}

pub(super) fn record(layer: &Conv2d, pass: &Pass<'_>, input: Tensor<4>) -> (Tensor<4>, Kept) {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight).value;
    let bias = (layer.bias.as_ref()).map(|bias| pass.parameter(bias).value);
    let output = convolve(&[[&input, &weight]], bias.as_ref(), stride, padding);
    let kept = Kept {
        input,
        adjoint: None,
    };
    (output, kept)
}

pub(super) fn pull(
    layer: &Conv2d,
    pass: &Pass<'_>,
    kept: &mut Kept,
    moves: bool,
    adjoint: Tensor<4>,
    purpose: &mut Purpose<'_, '_>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight).value;
    let pulled = moves.then(|| {
        convolve_input_gradient(&[[&weight, &adjoint]], kept.input.dims(), stride, padding)
    });
    match purpose {
        Purpose::Gradient(slots) => put(layer, &[[&kept.input, &adjoint]], slots),
        Purpose::Tangents => kept.adjoint = Some(adjoint),
    }
    pulled
}

pub(super) fn push(
    layer: &Conv2d,
    pass: &Pass<'_>,
    kept: &Kept,
    tangent: Option<Tensor<4>>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let weight = pass.parameter(&layer.weight);
    let bias = (layer.bias.as_ref()).and_then(|bias| pass.parameter(bias).tangent);
    let mut terms = Vec::with_capacity(2);
    // Where the weight is frozen and the bias is not, a weight of zeros carries the bias.
    let frozen = (weight.tangent.is_none() && tangent.is_none() && bias.is_some())
        .then(|| weight.value.zeros_like());
    if let Some(along) = weight.tangent.as_ref().or(frozen.as_ref()) {
        terms.push([&kept.input, along]);
    }
    if let Some(tangent) = &tangent {
        terms.push([tangent, &weight.value]);
    }
    (!terms.is_empty()).then(|| convolve(&terms, bias.as_ref(), stride, padding))
}

#[allow(clippy::too_many_arguments)]
pub(super) fn pull_tangent(
    layer: &Conv2d,
    pass: &Pass<'_>,
    kept: &Kept,
    moves: bool,
    tangent: Option<Tensor<4>>,
    along: Tensor<4>,
    slots: &mut Slots<'_>,
) -> Option<Tensor<4>> {
    let [stride, padding] = layer.window();
    let adjoint = kept.adjoint.as_ref().expect("a reverse pass");
    let weight = pass.parameter(&layer.weight);
    let pulled = moves.then(|| {
        let mut terms = vec![[&weight.value, &along]];
        if let Some(weight) = &weight.tangent {
            terms.push([weight, adjoint]);
        }
        convolve_input_gradient(&terms, kept.input.dims(), stride, padding)
    });
    let mut terms = vec![[&kept.input, &along]];
    if let Some(tangent) = &tangent {
        terms.push([tangent, adjoint]);
    }
    put(layer, &terms, slots);
    pulled
}

/// Puts the gradients of the parameters: that of the weight is the sum over some inputs, each with an adjoint; that of the
/// bias is from the first adjoint.
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
