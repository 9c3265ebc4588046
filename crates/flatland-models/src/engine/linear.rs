use burn::tensor::Tensor;
use flatland_kernels::{linear, linear_input_gradient, linear_weight_gradient};

use super::Slots;
use super::flow::Flow;
use super::slots::Purpose;
use crate::{ForwardPass, Linear};

/// The saved values of a [`Linear`] layer.
#[derive(Debug)]
pub(crate) struct SavedLinear {
    /// `[rows, features_in]`
    input: Tensor<2>,
    /// `[rows, features_out]`, the adjoint of the output, after a backward pass.
    adjoint: Option<Tensor<2>>,
    /// `[batch, tokens]` if the rows are tokens.
    tokens: Option<[usize; 2]>,
}

/// All features or tokens as the rows of a matrix, and `[batch, tokens]` if they are tokens.
fn rows(flow: Flow) -> (Tensor<2>, Option<[usize; 2]>) {
    match flow {
        Flow::Tokens(tokens) => {
            let [batch, count, features] = tokens.dims();
            (
                tokens.reshape([batch * count, features]),
                Some([batch, count]),
            )
        }
        other => (other.features(), None),
    }
}

/// The inverse of [`rows`].
fn unrolled(rows: Tensor<2>, tokens: Option<[usize; 2]>) -> Flow {
    let [_, features] = rows.dims();
    match tokens {
        Some([batch, count]) => Flow::Tokens(rows.reshape([batch, count, features])),
        None => Flow::Features(rows),
    }
}

pub(super) fn record(layer: &Linear, pass: &ForwardPass<'_>, input: Flow) -> (Flow, SavedLinear) {
    let (input, tokens) = rows(input);
    let weight = pass.parameter(&layer.weight).value;
    let bias = (layer.bias.as_ref()).map(|bias| pass.parameter(bias).value);
    let output = linear(&[[&input, &weight]], bias.as_ref());
    let saved = SavedLinear {
        input,
        adjoint: None,
        tokens,
    };
    (unrolled(output, tokens), saved)
}

pub(super) fn backward(
    layer: &Linear,
    pass: &ForwardPass<'_>,
    saved: &mut SavedLinear,
    requires_grad: bool,
    adjoint: Flow,
    purpose: &mut Purpose<'_, '_>,
) -> Option<Flow> {
    let (adjoint, _) = rows(adjoint);
    let weight = pass.parameter(&layer.weight).value;
    let input_adjoint = requires_grad.then(|| linear_input_gradient(&[[&adjoint, &weight]]));
    match purpose {
        Purpose::Gradient(slots) => put(layer, &[[&adjoint, &saved.input]], slots),
        Purpose::Products => saved.adjoint = Some(adjoint),
    }
    input_adjoint.map(|input_adjoint| unrolled(input_adjoint, saved.tokens))
}

pub(super) fn jvp(
    layer: &Linear,
    pass: &ForwardPass<'_>,
    saved: &SavedLinear,
    tangent: Option<Flow>,
) -> Option<Flow> {
    let weight = pass.parameter(&layer.weight);
    let bias = (layer.bias.as_ref()).and_then(|bias| pass.parameter(bias).tangent);
    let tangent = tangent.map(|tangent| rows(tangent).0);
    // If the weight is frozen and the bias is not, a zero weight carries the bias.
    let frozen = (weight.tangent.is_none() && tangent.is_none() && bias.is_some())
        .then(|| weight.value.zeros_like());
    let mut terms = Vec::with_capacity(2);
    if let Some(weight) = weight.tangent.as_ref().or(frozen.as_ref()) {
        terms.push([&saved.input, weight]);
    }
    if let Some(tangent) = &tangent {
        terms.push([tangent, &weight.value]);
    }
    (!terms.is_empty()).then(|| unrolled(linear(&terms, bias.as_ref()), saved.tokens))
}

#[allow(clippy::too_many_arguments)]
pub(super) fn backward_jvp(
    layer: &Linear,
    pass: &ForwardPass<'_>,
    saved: &SavedLinear,
    requires_grad: bool,
    tangent: Option<Flow>,
    adjoint_tangent: Flow,
    slots: &mut Slots<'_>,
) -> Option<Flow> {
    let (adjoint_tangent, _) = rows(adjoint_tangent);
    let adjoint = saved.adjoint.as_ref().expect("a backward pass");
    let weight = pass.parameter(&layer.weight);
    let input_adjoint = requires_grad.then(|| {
        let mut terms = vec![[&adjoint_tangent, &weight.value]];
        if let Some(weight) = &weight.tangent {
            terms.push([adjoint, weight]);
        }
        linear_input_gradient(&terms)
    });
    let tangent = tangent.map(|tangent| rows(tangent).0);
    let mut terms = vec![[&adjoint_tangent, &saved.input]];
    if let Some(tangent) = &tangent {
        terms.push([adjoint, tangent]);
    }
    put(layer, &terms, slots);
    input_adjoint.map(|input_adjoint| unrolled(input_adjoint, saved.tokens))
}

/// Writes the gradients of the parameters. The gradient of the weight is a sum over terms of an adjoint and an input.
/// The gradient of the bias is that of the first adjoint.
fn put(layer: &Linear, terms: &[[&Tensor<2>; 2]], slots: &mut Slots<'_>) {
    slots.write(&layer.weight, |vector, range| {
        linear_weight_gradient(terms, vector, range);
    });
    if let Some(bias) = &layer.bias {
        let [adjoint, _] = terms[0];
        slots.put(bias, || adjoint.clone().sum_dim(0));
    }
}
