use rayon::prelude::*;

use super::Geometry;
use super::unroll::{Scratch, live_weight, turned, unroll};
use crate::float::Float;
use crate::product::{Matrix, MatrixMut, Work, Write, multiply, transpose};

/// The output of a convolution, `[batch, channels_out, height_out, width_out]`.
pub(crate) fn forward<T: Float>(
    geometry: &Geometry,
    input: &[T],
    weight: &[T],
    bias: Option<&[T]>,
) -> Vec<T> {
    let weight = live_weight(geometry, weight);
    let weight = Matrix::new(
        &weight,
        [geometry.channels_out, geometry.unrolled_rows()],
        geometry.unrolled_rows(),
    );
    let mut output = vec![T::default(); geometry.batch * geometry.image_out()];
    let work = Geometry::work(geometry.groups());
    let groups = (output.par_chunks_mut(geometry.group * geometry.image_out()))
        .zip(input.par_chunks(geometry.group * geometry.image_in()));
    groups.for_each_init(
        || Scratch::new(geometry),
        |scratch, (output, input)| group(geometry, input, weight, bias, output, scratch, work),
    );
    output
}

fn group<T: Float>(
    geometry: &Geometry,
    input: &[T],
    weight: Matrix<'_, T>,
    bias: Option<&[T]>,
    output: &mut [T],
    scratch: &mut Scratch<T>,
    work: Work,
) {
    let count = input.len() / geometry.image_in();
    let images = turned(input, count, &mut scratch.turned_input);
    let unrolled = &mut scratch.unrolled;
    if count == 1 {
        products(geometry, images, 1, weight, bias, output, unrolled, work);
    } else {
        let turned = &mut scratch.turned_output[..output.len()];
        products(
            geometry, images, count, weight, bias, turned, unrolled, work,
        );
        transpose(turned, count, output);
    }
}

#[allow(clippy::too_many_arguments)]
fn products<T: Float>(
    geometry: &Geometry,
    images: &[T],
    count: usize,
    weight: Matrix<'_, T>,
    bias: Option<&[T]>,
    output: &mut [T],
    scratch: &mut [T],
    work: Work,
) {
    let channel = geometry.pixels_out() * count;
    let write = match bias {
        Some(bias) => {
            for (channel, bias) in output.chunks_exact_mut(channel).zip(bias) {
                channel.fill(*bias);
            }
            Write::Add
        }
        None => Write::Replace,
    };
    for rows in geometry.bands() {
        let start = rows.start * geometry.output[1] * count;
        let columns = rows.len() * geometry.output[1] * count;
        let unrolled = unroll(geometry, images, count, rows, scratch, work);
        let shape = [geometry.channels_out, columns];
        let product = MatrixMut::new(&mut output[start..], shape, channel);
        multiply(product, weight, unrolled, write, work);
    }
}
