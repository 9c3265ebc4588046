//! The gradient and the tangent of max pooling.

use burn::tensor::{Int, Shape, Tensor};

use super::composed;
use super::maps::{map, map_by_map};
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};

/// The gradient at the input of [`max_pool2d`](crate::max_pool2d): each gradient is added at the place of its maximum.
///
/// # Shapes
///
/// - gradient, winners: `[batch, channels, height_out, width_out]`, with the places that
///   [`max_pool2d`](crate::max_pool2d) returns
/// - size: the height and the width of the input
/// - output: `[batch, channels, height, width]`
///
/// # Panics
///
/// Panics if the shapes differ or a place is out of range.
pub fn max_pool2d_scatter(
    gradient: Tensor<4>,
    winners: &Tensor<4, Int>,
    size: [usize; 2],
) -> Tensor<4> {
    assert_eq!(
        gradient.dims(),
        winners.dims(),
        "each gradient has a winner"
    );
    let [batch, channels, height, width] = gradient.dims();
    if !is_plain(&gradient) || !are_i64(winners) {
        return composed::max_pool2d_scatter(gradient, winners.clone(), size);
    }
    let (gradient, winners) = (reading(&gradient), reading(winners));
    let (pixels_in, pixels_out) = (size[0] * size[1], height * width);
    let winners: &[i64] = winners.as_slice().expect("places of type i64, in order");
    let shape = Shape::from([batch, channels, size[0], size[1]]);
    tensor(for_type!(gradient, T => {
        let gradient = T::numbers(&gradient);
        let output = map_by_map(batch * channels, pixels_in, pixels_out, |output, index| {
            let gradient = map(gradient, index, pixels_out);
            for (gradient, winner) in gradient.iter().zip(map(winners, index, pixels_out)) {
                output[*winner as usize] += *gradient;
            }
        });
        T::tensor(output, shape)
    }))
}

/// The tangent of the output of [`max_pool2d`](crate::max_pool2d): the tangents at the places of the maxima.
///
/// # Shapes
///
/// - tangent: `[batch, channels, height, width]`
/// - winners and output: `[batch, channels, height_out, width_out]`, with the places that
///   [`max_pool2d`](crate::max_pool2d) returns
///
/// # Panics
///
/// Panics if batches or channels differ, or if a place is out of range.
pub fn max_pool2d_gather(tangent: Tensor<4>, winners: &Tensor<4, Int>) -> Tensor<4> {
    let [batch, channels, height, width] = tangent.dims();
    let shape = winners.dims();
    assert_eq!(
        [batch, channels],
        shape[..2],
        "batch and channels of tangent and winners"
    );
    if !is_plain(&tangent) || !are_i64(winners) {
        return composed::max_pool2d_gather(tangent, winners.clone());
    }
    let (tangent, winners) = (reading(&tangent), reading(winners));
    let (pixels_in, pixels_out) = (height * width, shape[2] * shape[3]);
    let winners: &[i64] = winners.as_slice().expect("places of type i64, in order");
    tensor(for_type!(tangent, T => {
        let tangent = T::numbers(&tangent);
        let output = map_by_map(batch * channels, pixels_out, pixels_in, |output, index| {
            let tangent = map(tangent, index, pixels_in);
            for (output, winner) in output.iter_mut().zip(map(winners, index, pixels_out)) {
                *output = tangent[*winner as usize];
            }
        });
        T::tensor(output, Shape::from(shape))
    }))
}

fn are_i64(winners: &Tensor<4, Int>) -> bool {
    winners.dtype() == burn::tensor::DType::I64
}
