//! Layers one after the other, under the names that PyTorch gives them.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::{Device, Tensor};

use crate::footprint::{Extent, Footprint};
use crate::layer::Signal;
use crate::{Activation, Dual, Layer, Pass};

/// Named layers and how their outputs are combined; a whole network is one.
///
/// A burn [`Module`]: its parameters can be visited, trained by burn's optimizers, saved and loaded. Each child is
/// entered under its own name, so that parameters are called as in PyTorch (`1.weight`, or
/// `layer1.0.conv1.weight` in nested sequences).
#[derive(Debug, Clone)]
pub struct Sequence {
    pub(crate) children: Vec<(String, Layer)>,
    pub(crate) combination: Combination,
    /// What the combined output goes through; without parameters, and so without a name.
    pub(crate) last: Option<Box<Layer>>,
}

/// How a [`Sequence`] makes one output of what its children yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Combination {
    /// Each child takes the output of the one before.
    Chain,
    /// The first children are a chain, the others a second chain from the same input; the two outputs are added.
    Sum { first: usize },
    /// The output of the chain is appended to its input, channel after channel.
    Concatenation,
}

impl Sequence {
    /// Layers one after the other.
    pub fn named(children: Vec<(impl Into<String>, Layer)>) -> Self {
        Self {
            children: (children.into_iter())
                .map(|(name, layer)| (name.into(), layer))
                .collect(),
            combination: Combination::Chain,
            last: None,
        }
    }

    /// Layers one after the other, named by their position, as in PyTorch's `nn.Sequential`.
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

    /// A residual connection whose shortcut changes the shape: `branch(x) + shortcut(x)`.
    pub fn residual_with(
        branch: Vec<(impl Into<String>, Layer)>,
        (name, shortcut): (impl Into<String>, Layer),
    ) -> Self {
        let mut sequence = Self::residual(branch);
        sequence.children.push((name.into(), shortcut));
        sequence
    }

    /// A dense connection: the channels of `x`, then those of `branch(x)`.
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

    /// The logits of a batch of images, with the parameters that the network holds.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, channels, height, width]`
    /// - logits: `[batch, classes]`
    ///
    /// # Panics
    ///
    /// Where the images do not have the shape that the network was built for.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.logits(&Pass::own(), images).value
    }

    /// The logits of a batch of images and, along a direction, their derivative.
    ///
    /// # Shapes
    ///
    /// - images: `[batch, channels, height, width]`
    /// - logits: `[batch, classes]`
    ///
    /// # Panics
    ///
    /// Where the images do not have the shape that the network was built for.
    pub fn logits(&self, pass: &Pass<'_>, images: Tensor<4>) -> Dual<2> {
        self.push(pass, Dual::constant(images).into()).features()
    }

    pub(crate) fn push(&self, pass: &Pass<'_>, input: Signal) -> Signal {
        let chain = |layers: &[(String, Layer)], input: Signal| {
            (layers.iter()).fold(input, |signal, (_, layer)| layer.forward(pass, signal))
        };
        let output = match self.combination {
            Combination::Chain => chain(&self.children, input),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                chain(branch, input.clone()).add(chain(shortcut, input))
            }
            Combination::Concatenation => input.clone().append(chain(&self.children, input)),
        };
        match &self.last {
            Some(activation) => activation.forward(pass, output),
            None => output,
        }
    }

    /// Whether a layer drops entries.
    pub(crate) fn has_dropout(&self) -> bool {
        (self.children.iter()).any(|(_, layer)| match layer {
            Layer::Dropout(dropout) => dropout.drops(),
            Layer::Sequence(sequence) => sequence.has_dropout(),
            _ => false,
        })
    }

    /// Follows the shape of one sample as [`push`](Self::push) does a batch.
    pub(crate) fn follow(&self, input: Extent, footprint: &mut Footprint) -> Extent {
        let chain = |layers: &[(String, Layer)], footprint: &mut Footprint| {
            (layers.iter()).fold(input, |extent, (_, layer)| layer.follow(extent, footprint))
        };
        let output = match self.combination {
            Combination::Chain => chain(&self.children, footprint),
            Combination::Sum { first } => {
                let (branch, shortcut) = self.children.split_at(first);
                let output = chain(branch, footprint);
                chain(shortcut, footprint);
                footprint.count(output)
            }
            Combination::Concatenation => {
                let more = chain(&self.children, footprint);
                footprint.count(input.append(more))
            }
        };
        match &self.last {
            Some(_) => footprint.count(output),
            None => output,
        }
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

// Written out because the derived implementation would enter the children under the name of the field.
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

/// How the traversal names what holds the children.
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
