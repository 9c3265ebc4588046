//! What the passes keep of each layer, and the way through the layers.

use burn::tensor::{Int, Tensor};
use flatland_kernels::{
    Windows, max_pool2d, max_pool2d_gather, max_pool2d_scatter, mean_pool2d, mean_pool2d_gradient,
};

use super::flow::Flow;
use super::slots::Purpose;
use super::{Slots, batch_norm, conv2d, elementwise, linear, other};
use crate::{Layer, Nonlinearity, Pass};

/// What one layer keeps of a pass, for the passes that follow.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) kept: Kept,
    /// Whether the input of the layer moves with the parameters. An image does not, and needs no adjoint.
    pub(super) moves: bool,
}

#[derive(Debug)]
pub(super) enum Kept {
    /// What needs nothing, or is done with.
    Nothing,
    Linear(linear::Kept),
    Conv2d(conv2d::Kept),
    BatchNorm(Box<batch_norm::Kept>),
    /// The output of a rectifier.
    Rectified(Flow),
    Tanh(elementwise::KeptTanh),
    /// Where the maxima come from, and the height and width of the input.
    Pool(Tensor<4, Int>, [usize; 2]),
    /// Height and width of the input of a pool of means.
    Means([usize; 2]),
    /// The shape of the input of a [`Flatten`](crate::Flatten).
    Shape([usize; 4]),
    /// What dropout multiplies by.
    Factors(Flow),
    /// The input of a linear map without parameters.
    Map(Flow),
    Other(other::Kept),
    Sequence {
        children: Vec<Node>,
        last: Option<Box<Node>>,
        /// Channels of the input, for a concatenation.
        channels: usize,
    },
}

/// What one layer keeps of a tangent pass.
#[derive(Debug)]
pub(crate) enum Moved {
    Nothing,
    /// The tangent of the input.
    Input(Box<Flow>),
    Normal(Box<batch_norm::Moved>),
    Sequence {
        children: Vec<Moved>,
        last: Option<Box<Moved>>,
    },
}

impl Moved {
    pub(super) fn input(self) -> Option<Flow> {
        match self {
            Self::Input(tangent) => Some(*tangent),
            _ => None,
        }
    }
}

impl From<Option<Flow>> for Moved {
    fn from(tangent: Option<Flow>) -> Self {
        tangent.map_or(Self::Nothing, |tangent| Self::Input(Box::new(tangent)))
    }
}

impl Layer {
    /// Whether it has parameters of its own, or in its parts.
    pub(super) fn has_parameters(&self) -> bool {
        match self {
            Self::Linear(_) | Self::Conv2d(_) | Self::BatchNorm2d(_) | Self::LayerNorm(_) => true,
            Self::Sequence(layer) => layer.has_parameters(),
            _ => false,
        }
    }

    /// The output, and what the other passes need.
    pub(super) fn record(
        &self,
        pass: &Pass<'_>,
        input: Flow,
        moves: bool,
        keeps: bool,
    ) -> (Flow, Node) {
        let (output, kept) = match self {
            Self::Linear(layer) => {
                let (output, kept) = linear::record(layer, pass, input);
                (output, Kept::Linear(kept))
            }
            Self::Conv2d(layer) => {
                let (output, kept) = conv2d::record(layer, pass, input.image());
                (Flow::Image(output), Kept::Conv2d(kept))
            }
            Self::BatchNorm2d(layer) => {
                let (output, kept) = batch_norm::record(layer, pass, input.image());
                (
                    Flow::Image(output),
                    kept.map_or(Kept::Nothing, |kept| Kept::BatchNorm(Box::new(kept))),
                )
            }
            Self::Activation(layer) => {
                let (output, kept) = match layer.function() {
                    Nonlinearity::Relu => {
                        let output = elementwise::rectified(input);
                        (output.clone(), Kept::Rectified(output))
                    }
                    Nonlinearity::Tanh => {
                        let (output, kept) = elementwise::KeptTanh::record(input);
                        (output, Kept::Tanh(kept))
                    }
                    // The layer itself tells the pass what it sees.
                    _ => return self.record_other(pass, input, moves),
                };
                elementwise::watch(pass, &output);
                (output, kept)
            }
            Self::MaxPool2d(layer) => {
                let input = input.image();
                let [_, _, height, width] = input.dims();
                let [kernel, stride, padding] = layer.geometry();
                let (output, winners) = max_pool2d(input, kernel, stride, padding);
                (Flow::Image(output), Kept::Pool(winners, [height, width]))
            }
            Self::Flatten(_) => {
                let input = input.image();
                let shape @ [batch, channels, height, width] = input.dims();
                let output = input.reshape([batch, channels * height * width]);
                (Flow::Features(output), Kept::Shape(shape))
            }
            Self::Dropout(layer) => match elementwise::factors(layer, pass, &input) {
                Some(factors) => {
                    let output = elementwise::scaled(input, &factors);
                    (output, Kept::Factors(factors))
                }
                None => (input, Kept::Nothing),
            },
            Self::AvgPool2d(_) | Self::AdaptiveAvgPool2d(_) => {
                let input = input.image();
                let [_, _, height, width] = input.dims();
                let output = mean_pool2d(input, self.mean_windows());
                (Flow::Image(output), Kept::Means([height, width]))
            }
            Self::Patches(_) | Self::MeanOfTokens(_) => {
                let output = other::push_map(self, pass, input.clone());
                (output, Kept::Map(input))
            }
            Self::SinCosPositions(_) => {
                let output = other::push_map(self, pass, input);
                (output, Kept::Nothing)
            }
            Self::LayerNorm(_) | Self::SelfAttention(_) => {
                return self.record_other(pass, input, moves);
            }
            Self::Sequence(layer) => layer.record(pass, input, moves, keeps),
        };
        (output, Node { kept, moves })
    }

    /// Of a pool of means.
    fn mean_windows(&self) -> Windows {
        match self {
            Self::AvgPool2d(layer) => layer.windows(),
            Self::AdaptiveAvgPool2d(layer) => layer.windows(),
            layer => panic!("{layer:?} takes no means of windows"),
        }
    }

    fn record_other(&self, pass: &Pass<'_>, input: Flow, moves: bool) -> (Flow, Node) {
        let (output, kept) = other::record(self, pass, input);
        let kept = Kept::Other(kept);
        (output, Node { kept, moves })
    }

    /// The adjoint at the input from that at the output. There is none where nothing before the layer has parameters.
    pub(super) fn pull(
        &self,
        pass: &Pass<'_>,
        node: &mut Node,
        adjoint: Flow,
        purpose: &mut Purpose<'_, '_>,
    ) -> Option<Flow> {
        let moves = node.moves;
        if !moves && !self.has_parameters() {
            return None;
        }
        let pulled = match (self, &mut node.kept) {
            (Self::Linear(layer), Kept::Linear(kept)) => {
                linear::pull(layer, pass, kept, moves, adjoint, purpose)?
            }
            (Self::Conv2d(layer), Kept::Conv2d(kept)) => Flow::Image(conv2d::pull(
                layer,
                pass,
                kept,
                moves,
                adjoint.image(),
                purpose,
            )?),
            (Self::BatchNorm2d(layer), Kept::BatchNorm(kept)) => Flow::Image(batch_norm::pull(
                layer,
                pass,
                kept,
                adjoint.image(),
                purpose,
            )),
            (Self::Activation(_), Kept::Rectified(output)) => elementwise::gated(adjoint, output),
            (Self::Activation(_), Kept::Tanh(kept)) => kept.pull(adjoint, purpose.keeps()),
            (Self::MaxPool2d(_), Kept::Pool(winners, size)) => {
                Flow::Image(max_pool2d_scatter(adjoint.image(), winners, *size))
            }
            (layer, Kept::Means(size)) => Flow::Image(mean_pool2d_gradient(
                adjoint.image(),
                layer.mean_windows(),
                *size,
            )),
            (Self::Flatten(_), Kept::Shape(shape)) => {
                Flow::Image(adjoint.features().reshape(*shape))
            }
            (Self::Dropout(_), Kept::Factors(factors)) => elementwise::scaled(adjoint, factors),
            (Self::Dropout(_) | Self::SinCosPositions(_), _) => adjoint,
            (_, Kept::Map(input)) => other::pull_map(self, pass, input, adjoint),
            (_, Kept::Other(kept)) => other::pull(self, pass, kept, adjoint, purpose),
            (Self::Sequence(layer), kept) => layer.pull(pass, kept, adjoint, purpose)?,
            (layer, kept) => panic!("{layer:?} has kept {kept:?}"),
        };
        moves.then_some(pulled)
    }

    /// The tangent of the output from that of the input. None is zero.
    pub(super) fn push_tangent(
        &self,
        pass: &Pass<'_>,
        node: &Node,
        tangent: Option<Flow>,
    ) -> (Option<Flow>, Moved) {
        match (self, &node.kept) {
            (Self::Linear(layer), Kept::Linear(kept)) => {
                let output = linear::push(layer, pass, kept, tangent.clone());
                (output, tangent.into())
            }
            (Self::Conv2d(layer), Kept::Conv2d(kept)) => {
                let output = conv2d::push(layer, pass, kept, tangent.clone().map(Flow::image));
                (output.map(Flow::Image), tangent.into())
            }
            (Self::BatchNorm2d(layer), Kept::BatchNorm(kept)) => {
                let (output, moved) = batch_norm::push(layer, pass, kept, tangent.map(Flow::image));
                (Some(Flow::Image(output)), Moved::Normal(Box::new(moved)))
            }
            (_, Kept::Other(kept)) => {
                let output = other::push(self, pass, kept, tangent.clone());
                (output, tangent.into())
            }
            (Self::Sequence(layer), kept) => layer.push_tangent(pass, kept, tangent),
            (_, kept) => {
                let Some(tangent) = tangent else {
                    return (None, Moved::Nothing);
                };
                match kept {
                    Kept::Rectified(output) => {
                        (Some(elementwise::gated(tangent, output)), Moved::Nothing)
                    }
                    Kept::Tanh(kept) => (Some(kept.push(tangent.clone())), Some(tangent).into()),
                    Kept::Pool(winners, _) => {
                        let output = max_pool2d_gather(tangent.image(), winners);
                        (Some(Flow::Image(output)), Moved::Nothing)
                    }
                    Kept::Means(_) => {
                        let output = mean_pool2d(tangent.image(), self.mean_windows());
                        (Some(Flow::Image(output)), Moved::Nothing)
                    }
                    Kept::Shape([batch, ..]) => {
                        let output = tangent.image().reshape([*batch as i32, -1]);
                        (Some(Flow::Features(output)), Moved::Nothing)
                    }
                    Kept::Factors(factors) => {
                        (Some(elementwise::scaled(tangent, factors)), Moved::Nothing)
                    }
                    Kept::Map(_) => (Some(other::push_map(self, pass, tangent)), Moved::Nothing),
                    Kept::Nothing => (Some(tangent), Moved::Nothing),
                    kept => panic!("{self:?} has kept {kept:?}"),
                }
            }
        }
    }

    /// The tangent of the adjoint at the input from that at the output; adds to the slots the tangent of the gradient.
    pub(super) fn pull_tangent(
        &self,
        pass: &Pass<'_>,
        node: &Node,
        moved: Moved,
        along: Flow,
        slots: &mut Slots<'_>,
    ) -> Option<Flow> {
        let moves = node.moves;
        if !moves && !self.has_parameters() {
            return None;
        }
        let pulled = match (self, &node.kept) {
            (Self::Linear(layer), Kept::Linear(kept)) => {
                linear::pull_tangent(layer, pass, kept, moves, moved.input(), along, slots)?
            }
            (Self::Conv2d(layer), Kept::Conv2d(kept)) => {
                let tangent = moved.input().map(Flow::image);
                let along = along.image();
                Flow::Image(conv2d::pull_tangent(
                    layer, pass, kept, moves, tangent, along, slots,
                )?)
            }
            (Self::BatchNorm2d(layer), Kept::BatchNorm(kept)) => {
                let Moved::Normal(moved) = moved else {
                    panic!("a normalization has a tangent of its own");
                };
                Flow::Image(batch_norm::pull_tangent(
                    layer,
                    pass,
                    kept,
                    *moved,
                    along.image(),
                    slots,
                ))
            }
            (_, Kept::Rectified(output)) => elementwise::gated(along, output),
            (_, Kept::Tanh(kept)) => kept.pull_tangent(moved.input(), along),
            (_, Kept::Pool(winners, size)) => {
                Flow::Image(max_pool2d_scatter(along.image(), winners, *size))
            }
            (layer, Kept::Means(size)) => Flow::Image(mean_pool2d_gradient(
                along.image(),
                layer.mean_windows(),
                *size,
            )),
            (_, Kept::Shape(shape)) => Flow::Image(along.features().reshape(*shape)),
            (_, Kept::Factors(factors)) => elementwise::scaled(along, factors),
            (_, Kept::Map(input)) => other::pull_map(self, pass, input, along),
            (_, Kept::Other(kept)) => {
                other::pull_tangent(self, pass, kept, moved.input(), along, slots)
            }
            (Self::Sequence(layer), kept) => layer.pull_tangent(pass, kept, moved, along, slots)?,
            (_, Kept::Nothing) => along,
            (layer, kept) => panic!("{layer:?} has kept {kept:?}"),
        };
        moves.then_some(pulled)
    }
}
