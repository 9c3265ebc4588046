//! The passes through layers in a row, side by side, and appended to their input.

use super::Slots;
use super::flow::Flow;
use super::node::{Kept, Moved, Node};
use super::slots::Purpose;
use crate::sequence::Combination;
use crate::{Layer, Pass, Sequence};

type Named = (String, Layer);

impl Sequence {
    pub(super) fn has_parameters(&self) -> bool {
        (self.children.iter()).any(|(_, layer)| layer.has_parameters())
    }

    /// Without `keeps`, what a layer has kept is dropped at once.
    pub(super) fn record(
        &self,
        pass: &Pass<'_>,
        input: Flow,
        moves: bool,
        keeps: bool,
    ) -> (Flow, Kept) {
        let mut children = Vec::with_capacity(self.children.len());
        let mut chain = |layers: &[Named], input: Flow| {
            let mut moves = moves;
            layers.iter().fold(input, |flow, (_, layer)| {
                let (output, node) = layer.record(pass, flow, moves, keeps);
                if keeps {
                    children.push(node);
                }
                moves |= layer.has_parameters();
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
                input.append(more)
            }
        };
        let (output, last) = match &self.last {
            Some(last) => {
                let (output, node) =
                    last.record(pass, output, moves || self.has_parameters(), keeps);
                (output, keeps.then(|| Box::new(node)))
            }
            None => (output, None),
        };
        let kept = Kept::Sequence {
            children,
            last,
            channels,
        };
        (output, kept)
    }

    pub(super) fn pull(
        &self,
        pass: &Pass<'_>,
        kept: &mut Kept,
        adjoint: Flow,
        purpose: &mut Purpose<'_, '_>,
    ) -> Option<Flow> {
        let Kept::Sequence {
            children,
            last,
            channels,
        } = kept
        else {
            panic!("a sequence has kept {kept:?}");
        };
        let adjoint = match (&self.last, last) {
            (Some(layer), Some(node)) => layer.pull(pass, node, adjoint, purpose)?,
            _ => adjoint,
        };
        let mut chain = |layers: &[Named], nodes: &mut [Node], adjoint: Flow| {
            (layers.iter().zip(nodes))
                .rev()
                .try_fold(adjoint, |adjoint, ((_, layer), node)| {
                    let pulled = layer.pull(pass, node, adjoint, purpose);
                    if let Purpose::Gradient(_) = purpose {
                        node.kept = Kept::Nothing;
                    }
                    pulled
                })
        };
        match self.combination {
            Combination::Chain => chain(&self.children, children, adjoint),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let (nodes, other_nodes) = children.split_at_mut(first);
                let pulled = chain(branch, nodes, adjoint.clone());
                add(pulled, chain(shortcut, other_nodes, adjoint))
            }
            Combination::Concatenation => {
                let [through, adjoint] = adjoint.split(*channels);
                add(chain(&self.children, children, adjoint), Some(through))
            }
        }
    }

    pub(super) fn push_tangent(
        &self,
        pass: &Pass<'_>,
        kept: &Kept,
        tangent: Option<Flow>,
    ) -> (Option<Flow>, Moved) {
        let Kept::Sequence { children, last, .. } = kept else {
            panic!("a sequence has kept {kept:?}");
        };
        let mut moved = Vec::with_capacity(children.len());
        let mut chain = |layers: &[Named], nodes: &[Node], tangent: Option<Flow>| {
            (layers.iter().zip(nodes)).fold(tangent, |tangent, ((_, layer), node)| {
                let (output, child) = layer.push_tangent(pass, node, tangent);
                moved.push(child);
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
                    (Some(tangent), Some(more)) => Some(tangent.append(more)),
                    (None, None) => None,
                    _ => panic!("the tangent of a concatenation lacks a part"),
                }
            }
        };
        let (output, last) = match (&self.last, last) {
            (Some(layer), Some(node)) => {
                let (output, moved) = layer.push_tangent(pass, node, output);
                (output, Some(Box::new(moved)))
            }
            _ => (output, None),
        };
        let moved = Moved::Sequence {
            children: moved,
            last,
        };
        (output, moved)
    }

    pub(super) fn pull_tangent(
        &self,
        pass: &Pass<'_>,
        kept: &Kept,
        moved: Moved,
        along: Flow,
        slots: &mut Slots<'_>,
    ) -> Option<Flow> {
        let Kept::Sequence {
            children: nodes,
            last,
            channels,
        } = kept
        else {
            panic!("a sequence has kept {kept:?}");
        };
        let Moved::Sequence {
            mut children,
            last: last_moved,
        } = moved
        else {
            panic!("a sequence has moved {moved:?}");
        };
        let along = match (&self.last, last, last_moved) {
            (Some(layer), Some(node), Some(moved)) => {
                layer.pull_tangent(pass, node, *moved, along, slots)?
            }
            _ => along,
        };
        let mut chain = |layers: &[Named], nodes: &[Node], moved: Vec<Moved>, along: Flow| {
            (layers.iter().zip(nodes).zip(moved)).rev().try_fold(
                along,
                |along, (((_, layer), node), moved)| {
                    layer.pull_tangent(pass, node, moved, along, slots)
                },
            )
        };
        match self.combination {
            Combination::Chain => chain(&self.children, nodes, children, along),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let (nodes, other_nodes) = nodes.split_at(first);
                let other_moved = children.split_off(first);
                let pulled = chain(branch, nodes, children, along.clone());
                add(pulled, chain(shortcut, other_nodes, other_moved, along))
            }
            Combination::Concatenation => {
                let [through, along] = along.split(*channels);
                add(chain(&self.children, nodes, children, along), Some(through))
            }
        }
    }
}

/// The sum of two flows of which none is zero.
fn add(left: Option<Flow>, right: Option<Flow>) -> Option<Flow> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.add(right)),
        (left, right) => left.or(right),
    }
}
