//! Layers without rules of their own, by burn's tape.

use burn::tensor::{Gradients, Tensor};

use super::Slots;
use super::flow::{Flow, each};
use super::slots::Purpose;
use crate::{Layer, Pass};

#[derive(Debug)]
pub(crate) struct Kept {
    input: Flow,
    /// After a reverse pass.
    adjoint: Option<Flow>,
}

pub(super) fn record(layer: &Layer, pass: &Pass<'_>, input: Flow) -> (Flow, Kept) {
    let (output, _) = layer.forward(pass, input.clone().into()).into_flows();
    let kept = Kept {
        input,
        adjoint: None,
    };
    (output, kept)
}

/// The adjoint at the input of a linear map without parameters.
pub(super) fn pull_map(layer: &Layer, pass: &Pass<'_>, input: &Flow, adjoint: Flow) -> Flow {
    let input = leaf(input.zeros());
    let (output, _) = layer.forward(pass, input.clone().into()).into_flows();
    let gradients = inner(output, adjoint).backward();
    at_leaf(&input, &gradients)
}

/// A linear map without parameters of a tangent.
pub(super) fn push_map(layer: &Layer, pass: &Pass<'_>, tangent: Flow) -> Flow {
    layer.forward(pass, tangent.into()).into_flows().0
}

/// What the layer's reverse pass gives for its parameters goes to the slots.
pub(super) fn pull(
    layer: &Layer,
    pass: &Pass<'_>,
    kept: &mut Kept,
    adjoint: Flow,
    purpose: &mut Purpose<'_, '_>,
) -> Flow {
    if let Purpose::Tangents = purpose {
        kept.adjoint = Some(adjoint.clone());
    }
    let taped = pass.again_taped();
    let input = leaf(kept.input.clone());
    let (output, _) = layer.forward(&taped, input.clone().into()).into_flows();
    let mut gradients = inner(output, adjoint).backward();
    let pulled = at_leaf(&input, &gradients);
    if let Purpose::Gradient(slots) = purpose {
        taped.put_gradients(&mut gradients, slots);
    }
    pulled
}

pub(super) fn push(
    layer: &Layer,
    pass: &Pass<'_>,
    kept: &Kept,
    tangent: Option<Flow>,
) -> Option<Flow> {
    let input = kept.input.clone().with_tangent(tangent);
    layer.forward(pass, input).into_flows().1
}

/// With `y` the output and `ẏ` its tangent: the gradient of `⟨ẏ, ȳ⟩ + ⟨y, ȳ̇⟩`, by the symmetry of second derivatives.
pub(super) fn pull_tangent(
    layer: &Layer,
    pass: &Pass<'_>,
    kept: &Kept,
    tangent: Option<Flow>,
    along: Flow,
    slots: &mut Slots<'_>,
) -> Flow {
    let adjoint = kept.adjoint.clone().expect("a reverse pass");
    let taped = pass.again_taped();
    let input = leaf(kept.input.clone());
    let tangent = tangent.map(|tangent| each!(tangent, x => Tensor::from_inner(x)));
    let signal = input.clone().with_tangent(tangent);
    let (output, output_tangent) = layer.forward(&taped, signal).into_flows();
    let first = inner(output, along);
    let sum = match output_tangent {
        Some(tangent) => first + inner(tangent, adjoint),
        None => first,
    };
    let mut gradients = sum.backward();
    taped.put_gradients(&mut gradients, slots);
    at_leaf(&input, &gradients)
}

/// A leaf of a tape.
fn leaf(flow: Flow) -> Flow {
    each!(flow, x => Tensor::from_inner(x).require_grad())
}

/// The gradient at a leaf; zeros where nothing depends on it.
fn at_leaf(leaf: &Flow, gradients: &Gradients) -> Flow {
    each!(leaf, x => x.grad(gradients).unwrap_or_else(|| x.clone().inner().zeros_like()))
}

/// `⟨output, constant⟩`
fn inner(output: Flow, constant: Flow) -> Tensor<1> {
    match (output, constant) {
        (Flow::Features(x), Flow::Features(y)) => (x * Tensor::from_inner(y)).sum(),
        (Flow::Tokens(x), Flow::Tokens(y)) => (x * Tensor::from_inner(y)).sum(),
        (Flow::Image(x), Flow::Image(y)) => (x * Tensor::from_inner(y)).sum(),
        (output, constant) => panic!("{output:?} and {constant:?} are of two kinds"),
    }
}
