use burn::module::Module;
use flatland_kernels::Windows;

use crate::{Dual, ops};

/// The largest value of each window, see [`ops::max_pool2d`].
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
    /// Windows of `kernel × kernel` side by side.
    pub fn new(kernel: usize) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: 0,
        }
    }

    /// Step of the window between neighbouring outputs.
    pub fn with_stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Rows and columns of `−∞` added on each side.
    pub fn with_padding(mut self, padding: usize) -> Self {
        self.padding = padding;
        self
    }

    /// Kernel, stride, padding.
    pub(crate) fn geometry(&self) -> [usize; 3] {
        [self.kernel, self.stride, self.padding]
    }

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height_out, width_out]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::max_pool2d(input, self.kernel, self.stride, self.padding)
    }
}

/// The mean of each window, see [`ops::avg_pool2d`].
#[derive(Module, Debug)]
pub struct AvgPool2d {
    #[module(skip)]
    kernel: usize,
    #[module(skip)]
    stride: usize,
}

impl AvgPool2d {
    /// Windows of `kernel × kernel` side by side.
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

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, height_out, width_out]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::avg_pool2d(input, self.kernel, self.stride)
    }
}

/// The means over a grid of fixed size, see [`ops::adaptive_avg_pool2d`].
#[derive(Module, Debug)]
pub struct AdaptiveAvgPool2d {
    #[module(skip)]
    output_size: usize,
}

impl AdaptiveAvgPool2d {
    /// Reduces every image to `output_size × output_size`.
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

    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels, output_size, output_size]`
    pub fn forward(&self, input: Dual<4>) -> Dual<4> {
        ops::adaptive_avg_pool2d(input, self.output_size)
    }
}
