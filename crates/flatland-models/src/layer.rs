//! One layer of a network.

use burn::module::Module;

use crate::layers::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, LayerNorm,
    Linear, LinearConfig, MaxPool2d, MeanOfTokens, Nonlinearity, Patches, SelfAttention,
    SinCosPositions,
};
use crate::{Dual, ForwardPass, Initializer, Sequence};

/// A layer of a [`Sequence`].
#[derive(Module, Debug)]
pub enum Layer {
    /// An affine map of features or tokens.
    Linear(Linear),
    /// A two-dimensional convolution.
    Conv2d(Conv2d),
    /// Batch normalization.
    BatchNorm2d(BatchNorm2d),
    /// A function of every element.
    Activation(Activation),
    /// Max pooling.
    MaxPool2d(MaxPool2d),
    /// Average pooling.
    AvgPool2d(AvgPool2d),
    /// Adaptive average pooling.
    AdaptiveAvgPool2d(AdaptiveAvgPool2d),
    /// The reshape of an image to features.
    Flatten(Flatten),
    /// Dropout.
    Dropout(Dropout),
    /// Layer normalization.
    LayerNorm(LayerNorm),
    /// The patches of an image, as tokens.
    Patches(Patches),
    /// Fixed position embeddings.
    SinCosPositions(SinCosPositions),
    /// Multi-head self-attention.
    SelfAttention(SelfAttention),
    /// The mean of the tokens.
    MeanOfTokens(MeanOfTokens),
    /// Nested layers.
    Sequence(Sequence),
}

impl Layer {
    /// A ReLU.
    pub(crate) fn relu() -> Self {
        Activation::new(Nonlinearity::Relu).into()
    }

    /// A linear layer with PyTorch's initialization.
    pub(crate) fn linear(
        features_in: usize,
        features_out: usize,
        bias: bool,
        initializer: &mut Initializer,
    ) -> Self {
        LinearConfig::new(features_in, features_out)
            .with_bias(bias)
            .init(initializer)
            .into()
    }

    /// The output of the layer.
    ///
    /// # Panics
    ///
    /// Panics if the layer does not accept this kind of signal.
    pub fn forward(&self, pass: &ForwardPass<'_>, input: Signal) -> Signal {
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
            Self::Sequence(layer) => layer.forward_signal(pass, input),
        }
    }
}

/// The value between two layers, with its tangent.
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

    /// Concatenates the channels of two images.
    pub(crate) fn cat(self, other: Self) -> Self {
        self.image().cat(other.image(), 1).into()
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
