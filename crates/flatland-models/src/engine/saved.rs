//! The saved values and the tangents of each layer.

use burn::tensor::{Int, Tensor};

use super::flow::Flow;
use super::{autodiff_fallback, batch_norm, conv2d, elementwise, linear};

/// The saved values of one layer.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) saved: Saved,
    /// Whether the input of the layer depends on parameters. An image does not, and needs no adjoint.
    pub(super) requires_grad: bool,
}

/// The values that one layer saves in a forward pass for the passes that follow.
#[derive(Debug)]
pub(super) enum Saved {
    /// The layer needs no value, or its value was dropped after use.
    None,
    Linear(linear::SavedLinear),
    Conv2d(conv2d::SavedConv2d),
    BatchNorm(Box<batch_norm::SavedBatchNorm>),
    /// The output of a ReLU.
    Relu(Flow),
    Tanh(elementwise::SavedTanh),
    /// The places of the maxima, and the height and width of the input.
    MaxPool(Tensor<4, Int>, [usize; 2]),
    /// The height and width of the input of an average pooling.
    AvgPool([usize; 2]),
    /// The shape of the input of a [`Flatten`](crate::Flatten).
    Shape([usize; 4]),
    /// The factors of dropout.
    Factors(Flow),
    /// The input of a linear map without parameters.
    Map(Flow),
    Autodiff(autodiff_fallback::SavedInput),
    Sequence {
        children: Vec<Node>,
        last: Option<Box<Node>>,
        /// The channels of the input, for a concatenation.
        channels: usize,
    },
}

/// The tangents that one layer saves in a `jvp` for the `backward_jvp`.
#[derive(Debug)]
pub(crate) enum Tangents {
    None,
    /// The tangent of the input.
    Input(Box<Flow>),
    BatchNorm(Box<batch_norm::BatchNormTangents>),
    Sequence {
        children: Vec<Tangents>,
        last: Option<Box<Tangents>>,
    },
}

impl Tangents {
    pub(super) fn input(self) -> Option<Flow> {
        match self {
            Self::Input(tangent) => Some(*tangent),
            _ => None,
        }
    }
}

impl From<Option<Flow>> for Tangents {
    fn from(tangent: Option<Flow>) -> Self {
        tangent.map_or(Self::None, |tangent| Self::Input(Box::new(tangent)))
    }
}
