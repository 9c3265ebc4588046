//! What a pool's derivatives move: numbers to the places of winners, and from them.

use burn::tensor::{Int, Shape, Tensor};

use super::composed;
use super::maps::{map, map_by_map};
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};

/// The reverse of [`max_pool2d`](crate::max_pool2d): each gradient is added at the place of its winner.
///
/// # Shapes
///
/// - gradient, winners: `[batch, channels, height_out, width_out]`, places as [`max_pool2d`](crate::max_pool2d) gives
///   them
/// - size: the height and the width of the pool's input
/// - output: `[batch, channels, height, width]`
///
/// # Panics
///
/// Where the shapes differ, or a place is outside.
pub fn max_pool2d_scatter(
    gradient: Tensor<4>,
    winners: &Tensor<4, Int>,
    size: [usize; 2],
) -> Tensor<4> {
    let [batch, channels, height, width] = met(&gradient, winners);
    if !is_plain(&gradient) || !is_places(winners) {
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

/// The tangent of [`max_pool2d`](crate::max_pool2d): the tangents at the places of the winners.
///
/// # Shapes
///
/// - tangent: `[batch, channels, height, width]`
/// - winners and output: `[batch, channels, height_out, width_out]`, places as [`max_pool2d`](crate::max_pool2d) gives
///   them
///
/// # Panics
///
/// Where batches or channels differ, or a place is outside.
pub fn max_pool2d_gather(tangent: Tensor<4>, winners: &Tensor<4, Int>) -> Tensor<4> {
    let [batch, channels, height, width] = tangent.dims();
    let shape = winners.dims();
    assert_eq!(
        [batch, channels],
        shape[..2],
        "batch and channels of tangent and winners"
    );
    if !is_plain(&tangent) || !is_places(winners) {
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

fn met(gradient: &Tensor<4>, winners: &Tensor<4, Int>) -> [usize; 4] {
    assert_eq!(
        gradient.dims(),
        winners.dims(),
        "each gradient has a winner"
    );
    gradient.dims()
}

fn is_places(winners: &Tensor<4, Int>) -> bool {
    winners.dtype() == burn::tensor::DType::I64
}
