//! The passes of layers without hand-written rules, by burn's tape.

use burn::tensor::{Gradients, Tensor};

use super::Slots;
use super::flow::{Flow, each};
use super::slots::Purpose;
use crate::{ForwardPass, Layer};

/// The saved values of a layer without hand-written rules.
#[derive(Debug)]
pub(crate) struct SavedInput {
    input: Flow,
    /// The adjoint of the output, after a backward pass.
    adjoint: Option<Flow>,
}

pub(super) fn record(layer: &Layer, pass: &ForwardPass<'_>, input: Flow) -> (Flow, SavedInput) {
    let (output, _) = layer.forward(pass, input.clone().into()).into_flows();
    let saved = SavedInput {
        input,
        adjoint: None,
    };
    (output, saved)
}

/// `backward` and `backward_jvp` of a linear map without parameters.
pub(super) fn backward_map(
    layer: &Layer,
    pass: &ForwardPass<'_>,
    input: &Flow,
    adjoint: Flow,
) -> Flow {
    let input = leaf(input.zeros());
    let (output, _) = layer.forward(pass, input.clone().into()).into_flows();
    let gradients = inner(output, adjoint).backward();
    at_leaf(&input, &gradients)
}

/// The forward pass and `jvp` of a linear map without parameters.
pub(super) fn forward_map(layer: &Layer, pass: &ForwardPass<'_>, tangent: Flow) -> Flow {
    layer.forward(pass, tangent.into()).into_flows().0
}

/// Writes the gradients of the layer's parameters to the slots of the purpose.
pub(super) fn backward(
    layer: &Layer,
    pass: &ForwardPass<'_>,
    saved: &mut SavedInput,
    adjoint: Flow,
    purpose: &mut Purpose<'_, '_>,
) -> Flow {
    if purpose.saves_adjoints() {
        saved.adjoint = Some(adjoint.clone());
    }
    let taped = pass.retaped();
    let input = leaf(saved.input.clone());
    let (output, _) = layer.forward(&taped, input.clone().into()).into_flows();
    let mut gradients = inner(output, adjoint).backward();
    let input_adjoint = at_leaf(&input, &gradients);
    if let Purpose::Gradient(slots) = purpose {
        taped.put_gradients(&mut gradients, slots);
    }
    input_adjoint
}

pub(super) fn jvp(
    layer: &Layer,
    pass: &ForwardPass<'_>,
    saved: &SavedInput,
    tangent: Option<Flow>,
) -> Option<Flow> {
    let input = saved.input.clone().with_tangent(tangent);
    layer.forward(pass, input).into_flows().1
}

/// With `y` the output and `ẏ` its tangent: the gradient of `⟨ẏ, ȳ⟩ + ⟨y, ȳ̇⟩`, by the symmetry of second derivatives.
pub(super) fn backward_jvp(
    layer: &Layer,
    pass: &ForwardPass<'_>,
    saved: &SavedInput,
    tangent: Option<Flow>,
    adjoint_tangent: Flow,
    slots: &mut Slots<'_>,
) -> Flow {
    let adjoint = saved.adjoint.clone().expect("a backward pass");
    let taped = pass.retaped();
    let input = leaf(saved.input.clone());
    let tangent = tangent.map(|tangent| each!(tangent, x => Tensor::from_inner(x)));
    let signal = input.clone().with_tangent(tangent);
    let (output, output_tangent) = layer.forward(&taped, signal).into_flows();
    let first = inner(output, adjoint_tangent);
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

/// The gradient at a leaf, zero if the output does not depend on it.
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
