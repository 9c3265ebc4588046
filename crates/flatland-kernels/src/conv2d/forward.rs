//! The sum of convolutions.

use super::unroll::{Parts, Scratch, live_weight, turned, unroll};
use super::{Geometry, Term};
use crate::float::Float;
use crate::fresh::in_chunks;
use crate::product::{MatrixMut, Work, Write, multiply};
use crate::transpose::transpose;

/// The sum of convolutions over terms of an input and a weight, `[batch, channels_out, height_out, width_out]`.
pub(crate) fn forward<T: Float>(
    geometry: &Geometry,
    terms: &[Term<'_, T>],
    bias: Option<&[T]>,
) -> Vec<T> {
    let weights: Vec<_> = (terms.iter())
        .map(|[_, weight]| live_weight(geometry, weight))
        .collect();
    let work = Geometry::work(geometry.groups());
    in_chunks(
        geometry.batch * geometry.image_out(),
        geometry.group * geometry.image_out(),
        || Scratch::new(geometry, 1),
        |scratch, index, output| {
            let images = geometry.images(index);
            let count = images.len();
            let Parts {
                turned_input,
                turned_output,
                unrolled,
            } = scratch.parts();
            let mut add_up = |sum: &mut [T]| {
                let mut write = start(geometry, count, bias, sum);
                for ([input, _], weight) in terms.iter().zip(&weights) {
                    let input = &input[geometry.numbers_in(&images)];
                    let input = turned(input, count, turned_input, work);
                    products(geometry, input, count, weight, sum, write, unrolled, work);
                    write = Write::Add;
                }
            };
            if count == 1 {
                add_up(output);
            } else {
                let sum = &mut turned_output[..output.len()];
                add_up(sum);
                transpose(sum, count, output, work);
            }
        },
    )
}

/// Writes the bias, if there is one. Returns whether the first product replaces the output or is added to it.
fn start<T: Float>(
    geometry: &Geometry,
    count: usize,
    bias: Option<&[T]>,
    output: &mut [T],
) -> Write {
    let Some(bias) = bias else {
        return Write::Replace;
    };
    let channels = output.chunks_exact_mut(geometry.pixels_out() * count);
    for (channel, bias) in channels.zip(bias) {
        channel.fill(*bias);
    }
    Write::Add
}

/// Writes the convolution of a group of `count` transposed images.
#[allow(clippy::too_many_arguments)]
fn products<T: Float>(
    geometry: &Geometry,
    images: &[T],
    count: usize,
    weight: &[T],
    output: &mut [T],
    write: Write,
    scratch: &mut [T],
    work: Work,
) {
    let channel = geometry.pixels_out() * count;
    let weight = geometry.weight_matrix(weight);
    for rows in geometry.bands() {
        let start = rows.start * geometry.output[1] * count;
        let columns = rows.len() * geometry.output[1] * count;
        let unrolled = unroll(geometry, images, count, rows, scratch, work);
        let shape = [geometry.channels_out, columns];
        let product = MatrixMut::new(&mut output[start..], shape, channel);
        multiply(product, weight, unrolled, write, work);
    }
}
