//! One layer of a network, whatever its kind.

use burn::module::Module;

use crate::layers::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, LayerNorm,
    Linear, MaxPool2d, MeanOfTokens, Patches, SelfAttention, SinCosPositions,
};
use crate::{Dual, Pass, Sequence};

/// A layer: what a [`Sequence`] is made of.
#[derive(Module, Debug)]
pub enum Layer {
    /// An affine map of features, or of every token.
    Linear(Linear),
    /// A two-dimensional convolution.
    Conv2d(Conv2d),
    /// A normalization of each channel over the batch.
    BatchNorm2d(BatchNorm2d),
    /// A function of each element.
    Activation(Activation),
    /// The largest value of each window.
    MaxPool2d(MaxPool2d),
    /// The mean of each window.
    AvgPool2d(AvgPool2d),
    /// The means over a grid of fixed size.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// An image laid out as a row of features.
    Flatten(Flatten),
    /// Zeros in random places.
    Dropout(Dropout),
    /// A normalization of each token or row of features.
    LayerNorm(LayerNorm),
    /// An image cut into tokens.
    Patches(Patches),
    /// A code of each token's place.
    SinCosPositions(SinCosPositions),
    /// Attention of each token to all.
    SelfAttention(SelfAttention),
    /// The mean of the tokens.
    MeanOfTokens(MeanOfTokens),
    /// Layers one after the other.
    Sequence(Sequence),
}

impl Layer {
    /// Pushes a signal through the layer.
    ///
    /// # Panics
    ///
    /// Where the layer takes another kind of signal than it is given.
    pub fn forward(&self, pass: &Pass<'_>, input: Signal) -> Signal {
        match self {
            Self::Linear(layer) => match input {
                Signal::Tokens(tokens) => layer.forward_tokens(pass, tokens).into(),
                input => layer.forward(pass, input.features()).into(),
            },
            Self::Conv2d(layer) => layer.forward(pass, input.image()).into(),
            Self::BatchNorm2d(layer) => layer.forward(pass, input.image()).into(),
            Self::Activation(layer) => layer.forward(pass, input),
            Self::MaxPool2d(layer) => layer.forward(input.image()).into(),
            Self::AvgPool2d(layer) => layer.forward(input.image()).into(),
            Self::AdaptiveAvgPool2d(layer) => layer.forward(input.image()).into(),
            Self::Flatten(layer) => layer.forward(input.image()).into(),
            Self::Dropout(layer) => layer.forward(pass, input),
            Self::LayerNorm(layer) => match input {
                Signal::Tokens(tokens) => layer.forward(pass, tokens).into(),
                input => layer.forward(pass, input.features()).into(),
            },
            Self::Patches(layer) => layer.forward(input.image()).into(),
            Self::SinCosPositions(layer) => layer.forward(input.tokens()).into(),
            Self::SelfAttention(layer) => layer.forward(input.tokens()).into(),
            Self::MeanOfTokens(layer) => layer.forward(input.tokens()).into(),
            Self::Sequence(layer) => layer.push(pass, input),
        }
    }
}

/// What flows between two layers.
#[derive(Debug, Clone)]
pub enum Signal {
    /// `[batch, features]`
    Features(Dual<2>),
    /// `[batch, tokens, features]`
    Tokens(Dual<3>),
    /// `[batch, channels, height, width]`
    Image(Dual<4>),
}

impl Signal {
    pub(crate) fn features(self) -> Dual<2> {
        match self {
            Self::Features(features) => features,
            other => panic!("expected features, found {}", other.kind()),
        }
    }

    pub(crate) fn tokens(self) -> Dual<3> {
        match self {
            Self::Tokens(tokens) => tokens,
            other => panic!("expected tokens, found {}", other.kind()),
        }
    }

    pub(crate) fn image(self) -> Dual<4> {
        match self {
            Self::Image(image) => image,
            other => panic!("expected an image, found {}", other.kind()),
        }
    }

    /// The sum of two signals of one kind.
    pub(crate) fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Features(left), Self::Features(right)) => (left + right).into(),
            (Self::Tokens(left), Self::Tokens(right)) => (left + right).into(),
            (Self::Image(left), Self::Image(right)) => (left + right).into(),
            (left, right) => panic!("cannot add {} to {}", right.kind(), left.kind()),
        }
    }

    /// The channels of an image, then those of another.
    pub(crate) fn append(self, other: Self) -> Self {
        self.image().concatenate(other.image(), 1).into()
    }

    fn kind(&self) -> String {
        match self {
            Self::Features(features) => format!("features {:?}", features.dims()),
            Self::Tokens(tokens) => format!("tokens {:?}", tokens.dims()),
            Self::Image(image) => format!("an image {:?}", image.dims()),
        }
    }
}

impl From<Dual<2>> for Signal {
    fn from(features: Dual<2>) -> Self {
        Self::Features(features)
    }
}

impl From<Dual<3>> for Signal {
    fn from(tokens: Dual<3>) -> Self {
        Self::Tokens(tokens)
    }
}

impl From<Dual<4>> for Signal {
    fn from(image: Dual<4>) -> Self {
        Self::Image(image)
    }
}

macro_rules! layer_from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Layer {
            fn from(layer: $kind) -> Self {
                Self::$kind(layer)
            }
        }
    )*};
}

layer_from!(
    Linear,
    Conv2d,
    BatchNorm2d,
    Activation,
    MaxPool2d,
    AvgPool2d,
    AdaptiveAvgPool2d,
    Flatten,
    Dropout,
    LayerNorm,
    Patches,
    SinCosPositions,
    SelfAttention,
    MeanOfTokens,
    Sequence
);
