//! Named layers and their combinations, with PyTorch's names.
//!
//! A network is a value: a tree of [`Sequence`]s, whose children have PyTorch's names. An enum says how the outputs of
//! the children are combined: as a chain, as a sum or as a concatenation.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::{Device, Tensor};

use crate::layers::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, LayerNorm,
    Linear, LinearConfig, MaxPool2d, MeanOfTokens, Nonlinearity, Patches, SelfAttention,
    SinCosPositions,
};
use crate::{Dual, ForwardPass, Initializer, Signal};

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

/// Named layers and the combination of their outputs. A whole network is a `Sequence`.
///
/// It is a burn [`Module`]: its parameters can be visited, trained by burn's optimizers, saved and loaded. Parameters
/// have PyTorch's names (`1.weight`, or `layer1.0.conv1.weight` in nested sequences).
#[derive(Debug, Clone)]
pub struct Sequence {
    pub(crate) children: Vec<(String, Layer)>,
    pub(crate) combination: Combination,
    /// An activation of the combined output. It has no parameters and no name.
    pub(crate) last: Option<Box<Layer>>,
}

/// How a [`Sequence`] combines the outputs of its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combination {
    /// Each child takes the output of the one before.
    Chain,
    /// The first children form a chain, and the others form a second chain from the same input. The two outputs are
    /// added.
    Sum { first: usize },
    /// The channels of the input and those of the output of the chain are concatenated.
    Concatenation,
}

impl Sequence {
    /// A chain of layers with these names.
    pub fn named(children: Vec<(impl Into<String>, Layer)>) -> Self {
        Self {
            children: (children.into_iter())
                .map(|(name, layer)| (name.into(), layer))
                .collect(),
            combination: Combination::Chain,
            last: None,
        }
    }

    /// A chain of layers, named by their position as in PyTorch's `nn.Sequential`.
    pub fn numbered(layers: impl IntoIterator<Item = Layer>) -> Self {
        let named = layers.into_iter().enumerate();
        Self::named(
            named
                .map(|(index, layer)| (index.to_string(), layer))
                .collect(),
        )
    }

    /// A residual connection: `branch(x) + x`.
    pub fn residual(branch: Vec<(impl Into<String>, Layer)>) -> Self {
        let mut sequence = Self::named(branch);
        let first = sequence.children.len();
        sequence.combination = Combination::Sum { first };
        sequence
    }

    /// A residual connection with a shortcut that changes the shape: `branch(x) + shortcut(x)`.
    pub fn residual_with(
        branch: Vec<(impl Into<String>, Layer)>,
        (name, shortcut): (impl Into<String>, Layer),
    ) -> Self {
        let mut sequence = Self::residual(branch);
        sequence.children.push((name.into(), shortcut));
        sequence
    }

    /// A dense connection: the channels of `x`, followed by those of `branch(x)`.
    pub fn dense(branch: Vec<(impl Into<String>, Layer)>) -> Self {
        let mut sequence = Self::named(branch);
        sequence.combination = Combination::Concatenation;
        sequence
    }

    /// Applies `activation` to the combined output.
    pub fn followed_by(mut self, activation: Activation) -> Self {
        self.last = Some(Box::new(activation.into()));
        self
    }

    /// The logits of a batch of images, with the network's own parameters.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, channels, height, width]`
    /// - logits: `[batch, classes]`
    ///
    /// # Panics
    ///
    /// Panics if the images do not have the shape for which the network was built.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.logits(&ForwardPass::own(), images).value
    }

    /// The logits of a batch of images and, if the pass has a direction, their derivative along it.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, channels, height, width]`
    /// - logits: `[batch, classes]`
    ///
    /// # Panics
    ///
    /// Panics if the images do not have the shape for which the network was built.
    pub fn logits(&self, pass: &ForwardPass<'_>, images: Tensor<4>) -> Dual<2> {
        self.forward_signal(pass, Dual::constant(images).into())
            .features()
    }

    pub(crate) fn forward_signal(&self, pass: &ForwardPass<'_>, input: Signal) -> Signal {
        let chain = |layers: &[(String, Layer)], input: Signal| {
            (layers.iter()).fold(input, |signal, (_, layer)| layer.forward(pass, signal))
        };
        let output = match self.combination {
            Combination::Chain => chain(&self.children, input),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                chain(branch, input.clone()).add(chain(shortcut, input))
            }
            Combination::Concatenation => input.clone().cat(chain(&self.children, input)),
        };
        match &self.last {
            Some(activation) => activation.forward(pass, output),
            None => output,
        }
    }

    /// Whether a layer is a dropout layer with a positive rate.
    pub(crate) fn has_dropout(&self) -> bool {
        (self.children.iter()).any(|(_, layer)| match layer {
            Layer::Dropout(dropout) => dropout.drops(),
            Layer::Sequence(sequence) => sequence.has_dropout(),
            _ => false,
        })
    }

    fn map_children(self, mut change: impl FnMut(&str, Layer) -> Layer) -> Self {
        let children = self.children.into_iter().map(|(name, layer)| {
            let layer = change(&name, layer);
            (name, layer)
        });
        Self {
            children: children.collect(),
            combination: self.combination,
            last: self.last,
        }
    }
}

// The derived implementation would enter the children under the name of the field.
impl Module for Sequence {
    fn collect_devices(&self, devices: Devices) -> Devices {
        (self.children.iter()).fold(devices, |devices, (_, layer)| {
            layer.collect_devices(devices)
        })
    }

    fn fork(self, device: &Device) -> Self {
        self.map_children(|_, layer| layer.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_children(|_, layer| layer.to_device(device))
    }

    fn train(self) -> Self {
        self.map_children(|_, layer| layer.train())
    }

    fn valid(&self) -> Self {
        self.clone().map_children(|_, layer| layer.valid())
    }

    fn materialize(self) -> Self {
        self.map_children(|_, layer| layer.materialize())
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        for (name, layer) in &self.children {
            visitor.enter_module(name, CONTAINER);
            layer.visit(visitor);
            visitor.exit_module(name, CONTAINER);
        }
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.map_children(|name, layer| {
            mapper.enter_module(name, CONTAINER);
            let layer = layer.map(mapper);
            mapper.exit_module(name, CONTAINER);
            layer
        })
    }
}

/// The container type of the children in a traversal.
const CONTAINER: &str = "Struct:Sequence";

impl ModuleDisplayDefault for Sequence {
    fn content(&self, content: Content) -> Option<Content> {
        (self.children.iter())
            .fold(content, |content, (name, layer)| content.add(name, layer))
            .optional()
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for Sequence {}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.format(Default::default()))
    }
}
