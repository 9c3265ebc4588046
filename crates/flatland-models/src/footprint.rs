//! What a network makes of one sample, counted from shapes alone.

use crate::{InputShape, Layer, Layout, Sequence};

/// What [`FullBatch`](crate::FullBatch) computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The loss.
    Loss,
    /// The loss and its gradient.
    Gradient,
    /// A Hessian-vector product.
    Product,
}

/// The parts of an estimate, for one operation.
struct Factors {
    /// Vectors of the network's dimension.
    vectors: f64,
    /// Copies of the largest kernel, while its gradient is added up.
    kernels: f64,
    /// What is kept of each number in [`Footprint::outputs`].
    outputs: f64,
    /// And besides, of each in [`Footprint::normalized`].
    normalized: f64,
    /// Temporaries of the widest convolution, for each number in its input and its output.
    convolution: f64,
}

impl Operation {
    /// Fitted to measurements on flex, see `docs/memory.md`.
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

/// What is kept of each number in [`Footprint::outputs`] for products at one point, at most.
const KEPT: f64 = 1.5;

/// The most samples that the packed factors of a matrix product hold at a time.
const PACKED: usize = 256;

/// How large the tensors are that a forward pass of one sample makes in a network.
///
/// It is counted by a walk through the layers that follows shapes: nothing is computed, and the parameters need no
/// [values](crate::Initializer::without_values). It is what a memory estimate starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Numbers in the outputs of all layers that compute something, sums and concatenations included.
    pub outputs: usize,
    /// Those in the outputs of normalizations.
    pub normalized: usize,
    /// The most numbers in the input and the output of one convolution.
    pub widest_convolution: usize,
    /// The most numbers in the input and the output of one linear layer.
    pub widest_linear: usize,
    /// The most entries in the weight of one convolution.
    pub largest_kernel: usize,
    /// All trainable parameters.
    pub parameters: usize,
    /// Multiplications, each with an addition, in convolutions, linear layers and attention.
    pub multiplications: u64,
}

impl Footprint {
    /// Follows one image through the network.
    ///
    /// # Panics
    ///
    /// Where the network does not take images of this shape.
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

    /// An estimate of the bytes that a [`FullBatch`](crate::FullBatch) takes for an operation on the CPU, with numbers
    /// of `size` bytes, besides its samples, the point and the direction.
    ///
    /// The vectors of the network's dimension are counted, the rest is fitted to measurements of the six networks of
    /// [`Architecture`](crate::Architecture): `docs/memory.md` in the repository says how well. It is meant to lie
    /// above the truth, by less than a factor of two.
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

    /// An estimate of the bytes that a [`FullBatch`](crate::FullBatch) keeps of a chunk while it makes
    /// [many products](flatland_optim::Curvature::products_at) at one point, with numbers of `size` bytes: what the layers
    /// have kept, and their adjoints.
    pub fn kept_bytes(&self, chunk: usize, size: usize) -> u64 {
        ((KEPT * self.outputs as f64) * (chunk * size) as f64).ceil() as u64
    }

    /// Counts the output of a layer.
    pub(crate) fn count(&mut self, output: Extent) -> Extent {
        self.outputs += output.numbers();
        output
    }
}

/// The shape of what flows between two layers, without the batch.
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

    /// An image with other channels and with other heights and widths.
    fn map(self, channels: impl Fn(usize) -> usize, size: impl Fn(usize) -> usize) -> Self {
        let [c, height, width] = self.image();
        Self::Image([channels(c), size(height), size(width)])
    }

    /// The channels of two images.
    pub(crate) fn append(self, other: Self) -> Self {
        let [more, _, _] = other.image();
        self.map(|channels| channels + more, |size| size)
    }
}

/// The size of what windows of `kernel` pixels that lie `stride` apart make of `size` pixels.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    (size + 2 * padding - kernel) / stride + 1
}

impl Layer {
    pub(crate) fn follow(&self, input: Extent, footprint: &mut Footprint) -> Extent {
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
                // Queries, keys and values in their order, the scores, and what becomes of them.
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
