use burn::tensor::module;
use burn::tensor::ops::AvgPoolOptions;

use crate::Dual;

/// The largest value of each window; the tangent is that of the element that won (the first one, row by row, of
/// several equal ones). Padding counts as `−∞`.
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

/// The mean of each window, without padding.
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

/// The means of a grid of `output_size × output_size` windows that cover the image, overlapping where they must.
///
/// # Shapes
///
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, output_size, output_size]`
pub fn adaptive_avg_pool2d(input: Dual<4>, output_size: usize) -> Dual<4> {
    input.map_linear(|x| module::adaptive_avg_pool2d(x, [output_size; 2]))
}
