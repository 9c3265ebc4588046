//! What a pool's derivatives move: numbers to the places of winners, and from them.

use burn::tensor::{Int, Shape, Tensor};

use super::composed;
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::in_chunks;

/// Numbers of a task, at least, of the larger images.
const TASK: usize = 1 << 13;

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
        let output = by_channel(batch * channels, T::numbers(&gradient), winners, [pixels_in, pixels_out, pixels_out], |output, gradient, winners| {
            for (gradient, winner) in gradient.iter().zip(winners) {
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
        let output = by_channel(batch * channels, T::numbers(&tangent), winners, [pixels_out, pixels_in, pixels_out], |output, tangent, winners| {
            for (output, winner) in output.iter_mut().zip(winners) {
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

/// The outputs of all channels of all images, which are zeros until `run` is given them with the channel's input and
/// winners: three slices with so many numbers each.
fn by_channel<T: Float>(
    count: usize,
    input: &[T],
    winners: &[i64],
    [pixels, pixels_in, places]: [usize; 3],
    run: impl Fn(&mut [T], &[T], &[i64]) + Sync + Send,
) -> Vec<T> {
    if pixels == 0 || pixels_in == 0 || places == 0 {
        return vec![T::default(); count * pixels];
    }
    let channels = TASK.div_ceil(pixels.max(pixels_in));
    let task = |(): &mut (), index: usize, output: &mut [T]| {
        let first = index * channels;
        (output.chunks_exact_mut(pixels))
            .zip(input[first * pixels_in..].chunks_exact(pixels_in))
            .zip(winners[first * places..].chunks_exact(places))
            .for_each(|((output, input), winners)| run(output, input, winners));
    };
    in_chunks(count * pixels, channels * pixels, || (), task)
}
