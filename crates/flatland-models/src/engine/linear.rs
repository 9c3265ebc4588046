use burn::tensor::Tensor;
use flatland_kernels::{linear, linear_input_gradient, linear_weight_gradient};

use super::Slots;
use super::flow::Flow;
use super::slots::Purpose;
use crate::{Linear, Pass};

/// Rows of features, and what the layer is given them as.
#[derive(Debug)]
pub(crate) struct Kept {
    /// `[rows, features_in]`
    input: Tensor<2>,
    /// `[rows, features_out]`, after a reverse pass.
    adjoint: Option<Tensor<2>>,
    /// `[batch, tokens]` where the rows are tokens.
    tokens: Option<[usize; 2]>,
}

/// All rows of features or tokens.
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

fn unrolled(rows: Tensor<2>, tokens: Option<[usize; 2]>) -> Flow {
    let [_, features] = rows.dims();
    match tokens {
        Some([batch, count]) => Flow::Tokens(rows.reshape([batch, count, features])),
        None => Flow::Features(rows),
    }
}

pub(super) fn record(layer: &Linear, pass: &Pass<'_>, input: Flow) -> (Flow, Kept) {
    let (input, tokens) = rows(input);
    let weight = pass.parameter(&layer.weight).value;
    let bias = (layer.bias.as_ref()).map(|bias| pass.parameter(bias).value);
    let output = linear(&[[&input, &weight]], bias.as_ref());
    let kept = Kept {
        input,
        adjoint: None,
        tokens,
    };
    (unrolled(output, tokens), kept)
}

pub(super) fn pull(
    layer: &Linear,
    pass: &Pass<'_>,
    kept: &mut Kept,
    moves: bool,
    adjoint: Flow,
    purpose: &mut Purpose<'_, '_>,
) -> Option<Flow> {
    let (adjoint, _) = rows(adjoint);
    let weight = pass.parameter(&layer.weight).value;
    let pulled = moves.then(|| linear_input_gradient(&[[&adjoint, &weight]]));
    match purpose {
        Purpose::Gradient(slots) => put(layer, &[[&adjoint, &kept.input]], slots),
        Purpose::Tangents => kept.adjoint = Some(adjoint),
    }
    pulled.map(|pulled| unrolled(pulled, kept.tokens))
}

pub(super) fn push(
    layer: &Linear,
    pass: &Pass<'_>,
    kept: &Kept,
    tangent: Option<Flow>,
) -> Option<Flow> {
    let weight = pass.parameter(&layer.weight);
    let bias = (layer.bias.as_ref()).and_then(|bias| pass.parameter(bias).tangent);
    let tangent = tangent.map(|tangent| rows(tangent).0);
    // Where the weight is frozen and the bias is not, a weight of zeros carries the bias.
    let frozen = (weight.tangent.is_none() && tangent.is_none() && bias.is_some())
        .then(|| weight.value.zeros_like());
    let mut terms = Vec::with_capacity(2);
    if let Some(along) = weight.tangent.as_ref().or(frozen.as_ref()) {
        terms.push([&kept.input, along]);
    }
    if let Some(tangent) = &tangent {
        terms.push([tangent, &weight.value]);
    }
    (!terms.is_empty()).then(|| unrolled(linear(&terms, bias.as_ref()), kept.tokens))
}

#[allow(clippy::too_many_arguments)]
pub(super) fn pull_tangent(
    layer: &Linear,
    pass: &Pass<'_>,
    kept: &Kept,
    moves: bool,
    tangent: Option<Flow>,
    along: Flow,
    slots: &mut Slots<'_>,
) -> Option<Flow> {
    let (along, _) = rows(along);
    let adjoint = kept.adjoint.as_ref().expect("a reverse pass");
    let weight = pass.parameter(&layer.weight);
    let pulled = moves.then(|| {
        let mut terms = vec![[&along, &weight.value]];
        if let Some(weight) = &weight.tangent {
            terms.push([adjoint, weight]);
        }
        linear_input_gradient(&terms)
    });
    let tangent = tangent.map(|tangent| rows(tangent).0);
    let mut terms = vec![[&along, &kept.input]];
    if let Some(tangent) = &tangent {
        terms.push([adjoint, tangent]);
    }
    put(layer, &terms, slots);
    pulled.map(|pulled| unrolled(pulled, kept.tokens))
}

/// Puts the gradients of the parameters: that of the weight is the sum over some adjoints, each with an input; that of the
/// bias is from the first adjoint.
fn put(layer: &Linear, terms: &[[&Tensor<2>; 2]], slots: &mut Slots<'_>) {
    slots.write(&layer.weight, |vector, range| {
        linear_weight_gradient(terms, vector, range);
    });
    if let Some(bias) = &layer.bias {
        let [adjoint, _] = terms[0];
        slots.put(bias, || adjoint.clone().sum_dim(0));
    }
}
