//! The sizes of a network's tensors, computed from shapes alone.
//!
//! Memory is counted in vectors with an entry for each parameter, plus the tensors of a chunk. Networks inside an
//! objective have no weights of their own, parameters are views of the point, sums are computed in place, and the
//! values that products share have a budget.

use crate::sequence::Combination;
use crate::{InputShape, Layer, Layout, Sequence};

/// An operation of a [`FullBatch`](crate::FullBatch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The loss.
    Loss,
    /// The loss and its gradient.
    Gradient,
    /// A Hessian-vector product.
    Product,
}

/// The factors of the memory estimate of one operation.
struct Factors {
    /// The number of vectors of the network's dimension.
    vectors: f64,
    /// The number of copies of the largest kernel, for partial sums of its gradient.
    kernels: f64,
    /// The saved numbers for each number in [`Footprint::outputs`].
    outputs: f64,
    /// The additional saved numbers for each number in [`Footprint::normalized`].
    normalized: f64,
    /// The temporary numbers of the widest convolution, for each number in its input and its output.
    convolution: f64,
}

impl Operation {
    /// The factors, fitted to measurements on flex.
    fn factors(self) -> Factors {
        let [vectors, kernels, outputs, normalized, convolution] = match self {
            Self::Loss => [0.0, 0.2, 0.1, 0.0, 2.0],
            Self::Gradient => [2.0, 0.5, 0.75, 0.1, 0.8],
            Self::Product => [2.0, 0.5, 1.85, 0.5, 0.5],
        };
        Factors {
            vectors,
            kernels,
            outputs,
            normalized,
            convolution,
        }
    }
}

/// The most saved numbers for each number in [`Footprint::outputs`], for products at one point.
const SAVED: f64 = 1.5;

/// The most samples in the packed factors of a matrix product.
const PACKED: usize = 256;

/// The sizes of the tensors in a forward pass of one sample, from which memory is estimated.
///
/// It follows the shape of a sample through the layers. It computes no tensor, and the parameters need no
/// [values](crate::Initializer::without_values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// The numbers in the outputs of all layers that compute, including sums and concatenations.
    pub outputs: usize,
    /// The numbers in the outputs of normalizations.
    pub normalized: usize,
    /// The most numbers in the input and the output of one convolution.
    pub widest_convolution: usize,
    /// The most numbers in the input and the output of one linear layer.
    pub widest_linear: usize,
    /// The most entries in the weight of one convolution.
    pub largest_kernel: usize,
    /// The number of trainable parameters.
    pub parameters: usize,
    /// The multiply-add operations in convolutions, linear layers and attention.
    pub multiplications: u64,
}

impl Footprint {
    /// The footprint of a network for images of shape `input`.
    ///
    /// # Panics
    ///
    /// Panics if the network does not accept images of this shape.
    pub fn of(network: &Sequence, input: InputShape) -> Self {
        let mut footprint = Self {
            parameters: Layout::of(network).dimension(),
            ..Self::default()
        };
        let InputShape {
            channels,
            height,
            width,
        } = input;
        network.follow(Extent::Image([channels, height, width]), &mut footprint);
        footprint
    }

    /// Estimates the bytes of a [`FullBatch`](crate::FullBatch) during an operation on the CPU, for chunks of `chunk`
    /// samples and numbers of `size` bytes. It excludes the samples, the point and the direction.
    ///
    /// The number of vectors of the network's dimension is exact. The other factors are fitted to measurements of the
    /// networks of [`Architecture`](crate::Architecture). The estimate is meant to be too large, by less than a factor
    /// of two.
    pub fn bytes(&self, operation: Operation, chunk: usize, size: usize) -> u64 {
        let factors = operation.factors();
        let kernel = factors.kernels * self.largest_kernel as f64;
        let fixed = factors.vectors * self.parameters as f64 + kernel;
        let sample = factors.outputs * self.outputs as f64
            + factors.normalized * self.normalized as f64
            + factors.convolution * self.widest_convolution as f64;
        let packed = (chunk.min(PACKED) * self.widest_linear) as f64;
        ((fixed + sample * chunk as f64 + packed) * size as f64).ceil() as u64
    }

    /// Estimates the bytes of the saved values of a chunk of `chunk` samples with numbers of `size` bytes, adjoints
    /// included. A [`FullBatch`](crate::FullBatch) saves them for the [products at one
    /// point](flatland_optim::Curvature::products_at).
    pub fn saved_bytes(&self, chunk: usize, size: usize) -> u64 {
        ((SAVED * self.outputs as f64) * (chunk * size) as f64).ceil() as u64
    }

    /// Adds the output of a layer.
    pub(crate) fn count(&mut self, output: Extent) -> Extent {
        self.outputs += output.numbers();
        output
    }
}

/// The shape of a sample between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Features.
    Features(usize),
    /// Tokens, features.
    Tokens([usize; 2]),
    /// Channels, height, width.
    Image([usize; 3]),
}

impl Extent {
    /// The number of entries.
    pub(crate) fn numbers(self) -> usize {
        match self {
            Self::Features(features) => features,
            Self::Tokens([tokens, features]) => tokens * features,
            Self::Image([channels, height, width]) => channels * height * width,
        }
    }

    fn tokens(self) -> [usize; 2] {
        match self {
            Self::Tokens(tokens) => tokens,
            other => panic!("expected tokens, found {other:?}"),
        }
    }

    fn image(self) -> [usize; 3] {
        match self {
            Self::Image(image) => image,
            other => panic!("expected an image, found {other:?}"),
        }
    }

    /// An image with changed channels and a changed height and width.
    fn map(self, channels: impl Fn(usize) -> usize, size: impl Fn(usize) -> usize) -> Self {
        let [c, height, width] = self.image();
        Self::Image([channels(c), size(height), size(width)])
    }

    /// Concatenates the channels of two images.
    pub(crate) fn cat(self, other: Self) -> Self {
        let [more, _, _] = other.image();
        self.map(|channels| channels + more, |size| size)
    }
}

/// The number of windows of `kernel` pixels, `stride` apart, along `size` pixels.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    (size + 2 * padding - kernel) / stride + 1
}

impl Sequence {
    /// Follows the shape of one sample through the layers, as [`forward_signal`](Self::forward_signal) does with a
    /// batch.
    fn follow(&self, input: Extent, footprint: &mut Footprint) -> Extent {
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
                footprint.count(input.cat(more))
            }
        };
        match &self.last {
            Some(_) => footprint.count(output),
            None => output,
        }
    }
}

impl Layer {
    /// The shape of the layer's output. Adds the layer to the footprint.
    fn follow(&self, input: Extent, footprint: &mut Footprint) -> Extent {
        match self {
            Self::Linear(layer) => {
                let [outputs, inputs] = layer.weight_shape();
                footprint.widest_linear = footprint.widest_linear.max(inputs + outputs);
                let (rows, output) = match input {
                    Extent::Tokens([tokens, _]) => (tokens, Extent::Tokens([tokens, outputs])),
                    _ => (1, Extent::Features(outputs)),
                };
                footprint.multiplications += (rows * inputs * outputs) as u64;
                footprint.count(output)
            }
            Self::Conv2d(layer) => {
                let ([outputs, inputs, kernel, _], geometry) = layer.shape();
                let output = input.map(
                    |_| outputs,
                    |size| windows(size, kernel, geometry.stride, geometry.padding),
                );
                let numbers = input.numbers() + output.numbers();
                footprint.widest_convolution = footprint.widest_convolution.max(numbers);
                let entries = outputs * inputs * kernel * kernel;
                footprint.largest_kernel = footprint.largest_kernel.max(entries);
                let [_, height, width] = output.image();
                footprint.multiplications += (entries * height * width) as u64;
                footprint.count(output)
            }
            Self::BatchNorm2d(_) | Self::LayerNorm(_) => {
                footprint.normalized += input.numbers();
                footprint.count(input)
            }
            Self::Activation(_) | Self::Dropout(_) | Self::SinCosPositions(_) => {
                footprint.count(input)
            }
            Self::Patches(layer) => {
                let [channels, height, width] = input.image();
                let pixels = layer.size() * layer.size();
                let tokens = height * width / pixels;
                footprint.count(Extent::Tokens([tokens, pixels * channels]))
            }
            Self::SelfAttention(layer) => {
                let [tokens, features] = input.tokens();
                let output = Extent::Tokens([tokens, features / 3]);
                footprint.multiplications += (2 * tokens * tokens * features / 3) as u64;
                // The permuted queries, keys and values, the scores, and their softmax.
                footprint.outputs += input.numbers() + 2 * layer.heads() * tokens * tokens;
                footprint.count(output)
            }
            Self::MeanOfTokens(_) => {
                let [_, features] = input.tokens();
                footprint.count(Extent::Features(features))
            }
            Self::MaxPool2d(layer) => {
                let [kernel, stride, padding] = layer.geometry();
                let size = |size| windows(size, kernel, stride, padding);
                footprint.count(input.map(|channels| channels, size))
            }
            Self::AvgPool2d(layer) => {
                let [kernel, stride] = layer.geometry();
                let size = |size| windows(size, kernel, stride, 0);
                footprint.count(input.map(|channels| channels, size))
            }
            Self::AdaptiveAvgPool2d(layer) => {
                footprint.count(input.map(|channels| channels, |_| layer.output_size()))
            }
            Self::Flatten(_) => Extent::Features(input.numbers()),
            Self::Sequence(layer) => layer.follow(input, footprint),
        }
    }
}
