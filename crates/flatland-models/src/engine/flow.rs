//! The plain tensors between two layers.

use burn::tensor::Tensor;
use flatland_kernels::{cat_channels, split_channels};

use crate::Dual;
use crate::signal::Signal;

/// A plain tensor that flows between two layers: a value, an adjoint or a tangent.
#[derive(Debug, Clone)]
pub(crate) enum Flow {
    /// `[batch, features]`
    Features(Tensor<2>),
    /// `[batch, tokens, features]`
    Tokens(Tensor<3>),
    /// `[batch, channels, height, width]`
    Image(Tensor<4>),
}

/// Applies an expression to a tensor of any rank.
macro_rules! each {
    ($flow:expr, $tensor:ident => $result:expr) => {
        match $flow {
            Flow::Features($tensor) => Flow::Features($result),
            Flow::Tokens($tensor) => Flow::Tokens($result),
            Flow::Image($tensor) => Flow::Image($result),
        }
    };
}

/// Applies an expression to two tensors of the same rank.
macro_rules! both {
    ($left:expr, $right:expr, $a:ident, $b:ident => $result:expr) => {
        match ($left, $right) {
            (Flow::Features($a), Flow::Features($b)) => Flow::Features($result),
            (Flow::Tokens($a), Flow::Tokens($b)) => Flow::Tokens($result),
            (Flow::Image($a), Flow::Image($b)) => Flow::Image($result),
            (left, right) => panic!("{left:?} and {right:?} are of two kinds"),
        }
    };
}

pub(super) use {both, each};

impl Flow {
    pub(crate) fn features(self) -> Tensor<2> {
        match self {
            Self::Features(features) => features,
            other => panic!("expected features, found {other:?}"),
        }
    }

    fn tokens(self) -> Tensor<3> {
        match self {
            Self::Tokens(tokens) => tokens,
            other => panic!("expected tokens, found {other:?}"),
        }
    }

    pub(crate) fn image(self) -> Tensor<4> {
        match self {
            Self::Image(image) => image,
            other => panic!("expected an image, found {other:?}"),
        }
    }

    /// The number of channels of an image, 0 for features and tokens.
    pub(super) fn channels(&self) -> usize {
        match self {
            Self::Image(image) => image.dims()[1],
            _ => 0,
        }
    }

    pub(crate) fn add(self, other: Self) -> Self {
        both!(self, other, a, b => flatland_kernels::add(a, b))
    }

    /// Concatenates the channels of two images.
    pub(crate) fn cat(self, other: Self) -> Self {
        Self::Image(cat_channels(self.image(), other.image()))
    }

    /// Splits an image after its first `channels` channels.
    pub(crate) fn split(self, channels: usize) -> [Self; 2] {
        split_channels(self.image(), channels).map(Self::Image)
    }

    /// The signal with this value and this tangent.
    pub(super) fn with_tangent(self, tangent: Option<Self>) -> Signal {
        match self {
            Self::Features(value) => Dual {
                value,
                tangent: tangent.map(Self::features),
            }
            .into(),
            Self::Tokens(value) => Dual {
                value,
                tangent: tangent.map(Self::tokens),
            }
            .into(),
            Self::Image(value) => Dual {
                value,
                tangent: tangent.map(Self::image),
            }
            .into(),
        }
    }

    /// Zeros of the same shape.
    pub(crate) fn zeros(&self) -> Self {
        each!(self, x => x.zeros_like())
    }
}

impl From<Flow> for Signal {
    /// A value without a tangent.
    fn from(flow: Flow) -> Self {
        flow.with_tangent(None)
    }
}

impl Signal {
    /// The value, and the tangent.
    pub(super) fn into_flows(self) -> (Flow, Option<Flow>) {
        match self {
            Self::Features(Dual { value, tangent }) => {
                (Flow::Features(value), tangent.map(Flow::Features))
            }
            Self::Tokens(Dual { value, tangent }) => {
                (Flow::Tokens(value), tangent.map(Flow::Tokens))
            }
            Self::Image(Dual { value, tangent }) => (Flow::Image(value), tangent.map(Flow::Image)),
        }
    }
}
