//! The passes of a chain of layers, of a sum of two chains, and of a concatenation with the input.

use super::Slots;
use super::flow::Flow;
use super::saved::{Node, Saved, Tangents};
use super::slots::Purpose;
use crate::sequence::Combination;
use crate::{ForwardPass, Layer, Sequence};

type Named = (String, Layer);

impl Sequence {
    pub(super) fn has_parameters(&self) -> bool {
        (self.children.iter()).any(|(_, layer)| layer.has_parameters())
    }

    /// Without `saves`, the saved values of a layer are dropped at once.
    pub(super) fn record(
        &self,
        pass: &ForwardPass<'_>,
        input: Flow,
        requires_grad: bool,
        saves: bool,
    ) -> (Flow, Saved) {
        let mut children = Vec::with_capacity(self.children.len());
        let mut chain = |layers: &[Named], input: Flow| {
            let mut requires_grad = requires_grad;
            layers.iter().fold(input, |flow, (_, layer)| {
                let (output, node) = layer.record(pass, flow, requires_grad, saves);
                if saves {
                    children.push(node);
                }
                requires_grad |= layer.has_parameters();
                output
            })
        };
        let channels = input.channels();
        let output = match self.combination {
            Combination::Chain => chain(&self.children, input),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let output = chain(branch, input.clone());
                output.add(chain(shortcut, input))
            }
            Combination::Concatenation => {
                let more = chain(&self.children, input.clone());
                input.cat(more)
            }
        };
        let (output, last) = match &self.last {
            Some(last) => {
                let (output, node) =
                    last.record(pass, output, requires_grad || self.has_parameters(), saves);
                (output, saves.then(|| Box::new(node)))
            }
            None => (output, None),
        };
        let saved = Saved::Sequence {
            children,
            last,
            channels,
        };
        (output, saved)
    }

    pub(super) fn backward(
        &self,
        pass: &ForwardPass<'_>,
        saved: &mut Saved,
        adjoint: Flow,
        purpose: &mut Purpose<'_, '_>,
    ) -> Option<Flow> {
        let Saved::Sequence {
            children,
            last,
            channels,
        } = saved
        else {
            panic!("a sequence has saved {saved:?}");
        };
        let adjoint = match (&self.last, last) {
            (Some(layer), Some(node)) => layer.backward(pass, node, adjoint, purpose)?,
            _ => adjoint,
        };
        let mut chain = |layers: &[Named], nodes: &mut [Node], adjoint: Flow| {
            (layers.iter().zip(nodes))
                .rev()
                .try_fold(adjoint, |adjoint, ((_, layer), node)| {
                    let input_adjoint = layer.backward(pass, node, adjoint, purpose);
                    if let Purpose::Gradient(_) = purpose {
                        node.saved = Saved::None;
                    }
                    input_adjoint
                })
        };
        match self.combination {
            Combination::Chain => chain(&self.children, children, adjoint),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let (nodes, other_nodes) = children.split_at_mut(first);
                let input_adjoint = chain(branch, nodes, adjoint.clone());
                add(input_adjoint, chain(shortcut, other_nodes, adjoint))
            }
            Combination::Concatenation => {
                let [through, adjoint] = adjoint.split(*channels);
                add(chain(&self.children, children, adjoint), Some(through))
            }
        }
    }

    pub(super) fn jvp(
        &self,
        pass: &ForwardPass<'_>,
        saved: &Saved,
        tangent: Option<Flow>,
    ) -> (Option<Flow>, Tangents) {
        let Saved::Sequence { children, last, .. } = saved else {
            panic!("a sequence has saved {saved:?}");
        };
        let mut tangents = Vec::with_capacity(children.len());
        let mut chain = |layers: &[Named], nodes: &[Node], tangent: Option<Flow>| {
            (layers.iter().zip(nodes)).fold(tangent, |tangent, ((_, layer), node)| {
                let (output, child) = layer.jvp(pass, node, tangent);
                tangents.push(child);
                output
            })
        };
        let output = match self.combination {
            Combination::Chain => chain(&self.children, children, tangent),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let (nodes, other_nodes) = children.split_at(first);
                let output = chain(branch, nodes, tangent.clone());
                add(output, chain(shortcut, other_nodes, tangent))
            }
            Combination::Concatenation => {
                let more = chain(&self.children, children, tangent.clone());
                match (tangent, more) {
                    (Some(tangent), Some(more)) => Some(tangent.cat(more)),
                    (None, None) => None,
                    _ => panic!("the tangent of a concatenation lacks a part"),
                }
            }
        };
        let (output, last) = match (&self.last, last) {
            (Some(layer), Some(node)) => {
                let (output, tangents) = layer.jvp(pass, node, output);
                (output, Some(Box::new(tangents)))
            }
            _ => (output, None),
        };
        let tangents = Tangents::Sequence {
            children: tangents,
            last,
        };
        (output, tangents)
    }

    pub(super) fn backward_jvp(
        &self,
        pass: &ForwardPass<'_>,
        saved: &Saved,
        tangents: Tangents,
        adjoint_tangent: Flow,
        slots: &mut Slots<'_>,
    ) -> Option<Flow> {
        let Saved::Sequence {
            children: nodes,
            last,
            channels,
        } = saved
        else {
            panic!("a sequence has saved {saved:?}");
        };
        let Tangents::Sequence {
            mut children,
            last: last_tangents,
        } = tangents
        else {
            panic!("a sequence has the tangents {tangents:?}");
        };
        let adjoint_tangent = match (&self.last, last, last_tangents) {
            (Some(layer), Some(node), Some(tangents)) => {
                layer.backward_jvp(pass, node, *tangents, adjoint_tangent, slots)?
            }
            _ => adjoint_tangent,
        };
        let mut chain =
            |layers: &[Named], nodes: &[Node], tangents: Vec<Tangents>, adjoint_tangent: Flow| {
                (layers.iter().zip(nodes).zip(tangents)).rev().try_fold(
                    adjoint_tangent,
                    |adjoint_tangent, (((_, layer), node), tangents)| {
                        layer.backward_jvp(pass, node, tangents, adjoint_tangent, slots)
                    },
                )
            };
        match self.combination {
            Combination::Chain => chain(&self.children, nodes, children, adjoint_tangent),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let (nodes, other_nodes) = nodes.split_at(first);
                let other_tangents = children.split_off(first);
                let input_adjoint = chain(branch, nodes, children, adjoint_tangent.clone());
                add(
                    input_adjoint,
                    chain(shortcut, other_nodes, other_tangents, adjoint_tangent),
                )
            }
            Combination::Concatenation => {
                let [through, adjoint_tangent] = adjoint_tangent.split(*channels);
                add(
                    chain(&self.children, nodes, children, adjoint_tangent),
                    Some(through),
                )
            }
        }
    }
}

/// The sum of two flows, where `None` is zero.
fn add(left: Option<Flow>, right: Option<Flow>) -> Option<Flow> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.add(right)),
        (left, right) => left.or(right),
    }
}
