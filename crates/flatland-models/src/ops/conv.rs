//! Convolutions.

use burn::tensor::Tensor;

use crate::Dual;
use crate::dual::sum_tangents;

/// Stride and zero padding of a convolution, equal in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dGeometry {
    /// The step of the kernel between neighbouring outputs.
    pub stride: usize,
    /// The number of zeros added on each side.
    pub padding: usize,
}

/// A two-dimensional cross-correlation with an optional bias.
///
/// # Shapes
///
/// - input: `[batch, channels_in, height, width]`
/// - weight: `[channels_out, channels_in, kernel_height, kernel_width]`
/// - bias: `[channels_out]`
/// - output: `[batch, channels_out, height_out, width_out]` with
///   `height_out = (height + 2·padding − kernel_height) / stride + 1`, rounded down
pub fn conv2d(
    input: Dual<4>,
    weight: Dual<4>,
    bias: Option<Dual<1>>,
    geometry: Conv2dGeometry,
) -> Dual<4> {
    let Conv2dGeometry { stride, padding } = geometry;
    let convolve = |x: Tensor<4>, w: Tensor<4>, b: Option<Tensor<1>>| {
        flatland_kernels::conv2d(x, w, b, stride, padding)
    };
    let (bias, bias_tangent) = bias.map_or((None, None), |b| (Some(b.value), b.tangent));
    let value = convolve(input.value.clone(), weight.value.clone(), bias);
    let from_input = input.tangent.map(|x| convolve(x, weight.value, None));
    let tangent = match (weight.tangent, bias_tangent) {
        (Some(weight), bias) => {
            sum_tangents([Some(convolve(input.value, weight, bias)), from_input])
        }
        (None, Some(bias)) => {
            let [_, channels, _, _] = value.dims();
            let bias = bias.reshape([1, channels, 1, 1]).expand(value.dims());
            sum_tangents([Some(bias), from_input])
        }
        (None, None) => from_input,
    };
    Dual { value, tangent }
}
