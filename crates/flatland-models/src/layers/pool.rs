//! Pooling.

use burn::module::Module;
use flatland_kernels::Windows;

use crate::{Dual, ops};

/// Max pooling, see [`ops::max_pool2d`].
#[derive(Module, Debug)]
pub struct MaxPool2d {
    #[module(skip)]
    kernel: usize,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: usize,
}

impl MaxPool2d {
    /// Adjacent windows of `kernel × kernel` pixels.
    pub fn new(kernel: usize) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: 0,
        }
    }

    /// Sets the step of the window between neighbouring outputs.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the number of rows and columns of `−∞` added on each side.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Kernel, stride, padding.
    pub(crate) fn geometry(&self) -> [usize; 3] {
        [self.kernel, self.stride, self.padding]
    }

    /// The pooled images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height_out, width_out]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::max_pool2d(input, self.kernel, self.stride, self.padding)
    }
}

/// Average pooling, see [`ops::avg_pool2d`].
#[derive(Module, Debug)]
pub struct AvgPool2d {
    #[module(skip)]
    kernel: usize,
    #[module(skip)]
    stride: usize,
}

impl AvgPool2d {
    /// Adjacent windows of `kernel × kernel` pixels.
    pub fn new(kernel: usize) -> Self {
        Self {
            kernel,
            stride: kernel,
        }
    }

    /// Kernel, stride.
    pub(crate) fn geometry(&self) -> [usize; 2] {
        [self.kernel, self.stride]
    }

    pub(crate) fn windows(&self) -> Windows {
        Windows::Sliding {
            kernel: self.kernel,
            stride: self.stride,
        }
    }

    /// The pooled images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height_out, width_out]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::avg_pool2d(input, self.kernel, self.stride)
    }
}

/// Adaptive average pooling, see [`ops::adaptive_avg_pool2d`].
#[derive(Module, Debug)]
pub struct AdaptiveAvgPool2d {
    #[module(skip)]
    output_size: usize,
}

impl AdaptiveAvgPool2d {
    /// Pooling of every image to `output_size × output_size` pixels.
    pub fn new(output_size: usize) -> Self {
        Self { output_size }
    }

    pub(crate) fn output_size(&self) -> usize {
        self.output_size
    }

    pub(crate) fn windows(&self) -> Windows {
        Windows::Grid {
            size: self.output_size,
        }
    }

    /// The pooled images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, output_size, output_size]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::adaptive_avg_pool2d(input, self.output_size)
    }
}
