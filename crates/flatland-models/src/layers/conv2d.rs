//! Convolutions.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::ops::{self, Conv2dGeometry};
use crate::{Dual, ForwardPass, Initialization, Initializer};

/// The options of a [`Conv2d`] layer with a square kernel.
#[derive(Debug, Clone)]
pub struct Conv2dConfig {
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    bias: bool,
    initialization: Initialization,
}

impl Conv2dConfig {
    /// Options of a convolution with a `kernel × kernel` kernel, stride 1, no padding, and a bias.
    pub fn new(channels_in: usize, channels_out: usize, kernel: usize) -> Self {
        Self {
            channels_in,
            channels_out,
            kernel,
            stride: 1,
            padding: 0,
            bias: true,
            initialization: Initialization::Pytorch,
        }
    }

    /// Sets the number of zeros added on each side.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the step of the kernel between neighbouring outputs.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Sets whether the layer has a bias.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets the distribution of weights and biases. The default is PyTorch's.
    pub fn with_initialization(mut self, initialization: Initialization) -> Self {
        self.initialization = initialization;
        self
    }

    /// The layer with new parameters.
    pub fn init(&self, initializer: &mut Initializer) -> Conv2d {
        let shape = [
            self.channels_out,
            self.channels_in,
            self.kernel,
            self.kernel,
        ];
        let (weight, bias) = initializer.layer(shape, self.bias, self.initialization);
        Conv2d {
            weight,
            bias,
            geometry: Conv2dGeometry {
                stride: self.stride,
                padding: self.padding,
            },
        }
    }
}

/// A two-dimensional convolution, see [`ops::conv2d`].
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[channels_out, channels_in, kernel, kernel]`
    pub(crate) weight: Param<Tensor<4>>,
    /// `[channels_out]`
    pub(crate) bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    geometry: Conv2dGeometry,
}

impl Conv2d {
    /// The shape of the weight, and stride and padding.
    pub(crate) fn shape(&self) -> ([usize; 4], Conv2dGeometry) {
        (self.weight.shape().dims(), self.geometry)
    }

    /// Stride and padding.
    pub(crate) fn window(&self) -> [usize; 2] {
        [self.geometry.stride, self.geometry.padding]
    }

    /// The convolved images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height_out, width_out]`
    pub fn forward(&self, pass: &ForwardPass<'_>, input: Dual<4>) -> Dual<4> {
        let bias = self.bias.as_ref().map(|bias| pass.parameter(bias));
        ops::conv2d(input, pass.parameter(&self.weight), bias, self.geometry)
    }
}
