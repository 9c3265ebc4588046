//! Pooling.

use burn::tensor::module;
use burn::tensor::ops::AvgPoolOptions;

use crate::Dual;

/// Max pooling: the largest value of each window. The tangent is that of the largest element, the first in row-major
/// order if several are equal. Padding counts as `−∞`.
///
/// # Shapes
///
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, height_out, width_out]`, sizes rounded down
pub fn max_pool2d(input: Dual<4>, kernel: usize, stride: usize, padding: usize) -> Dual<4> {
    let [batch, channels, height, width] = input.dims();
    let (value, winners) = flatland_kernels::max_pool2d(input.value, kernel, stride, padding);
    let Some(tangent) = input.tangent else {
        return Dual::constant(value);
    };
    let [_, _, height_out, width_out] = value.dims();
    let tangent = tangent
        .reshape([batch, channels, height * width])
        .gather(
            2,
            winners.reshape([batch, channels, height_out * width_out]),
        )
        .reshape([batch, channels, height_out, width_out]);
    Dual {
        value,
        tangent: Some(tangent),
    }
}

/// Average pooling without padding: the mean of each window.
///
/// # Shapes
///
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, height_out, width_out]`, sizes rounded down
pub fn avg_pool2d(input: Dual<4>, kernel: usize, stride: usize) -> Dual<4> {
    input.map_linear(|x| {
        module::avg_pool2d(x, AvgPoolOptions::new([kernel; 2]).with_stride([stride; 2]))
    })
}

/// Adaptive average pooling: the means of a grid of `output_size × output_size` windows that cover the image. Windows
/// overlap if `output_size` does not divide the size of the image.
///
/// # Shapes
///
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, output_size, output_size]`
pub fn adaptive_avg_pool2d(input: Dual<4>, output_size: usize) -> Dual<4> {
    input.map_linear(|x| module::adaptive_avg_pool2d(x, [output_size; 2]))
}
