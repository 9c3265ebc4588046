use rayon::prelude::*;

use super::Geometry;
use super::unroll::{Scratch, fold, live_weight, turned};
use crate::float::Float;
use crate::product::{Matrix, MatrixMut, Work, Write, multiply, transpose};

/// The gradient at the input, `[batch, channels_in, height, width]`, from that at the output.
pub(crate) fn input_gradient<T: Float>(
    geometry: &Geometry,
    weight: &[T],
    gradient: &[T],
) -> Vec<T> {
    #[cfg(test)]
    calls::count();
    let weight = live_weight(geometry, weight);
    let weight = Matrix::new(
        &weight,
        [geometry.channels_out, geometry.unrolled_rows()],
        geometry.unrolled_rows(),
    )
    .transposed();
    let mut input = vec![T::default(); geometry.batch * geometry.image_in()];
    let work = Geometry::work(geometry.groups());
    let groups = (input.par_chunks_mut(geometry.group * geometry.image_in()))
        .zip(gradient.par_chunks(geometry.group * geometry.image_out()));
    groups.for_each_init(
        || Scratch::new(geometry),
        |scratch, (input, gradient)| group(geometry, weight, gradient, input, scratch, work),
    );
    input
}

fn group<T: Float>(
    geometry: &Geometry,
    weight: Matrix<'_, T>,
    gradient: &[T],
    input: &mut [T],
    scratch: &mut Scratch<T>,
    work: Work,
) {
    let count = input.len() / geometry.image_in();
    let gradient = turned(gradient, count, &mut scratch.turned_output);
    let unrolled = &mut scratch.unrolled;
    if count == 1 {
        products(geometry, weight, gradient, 1, input, unrolled, work);
    } else {
        let turned = &mut scratch.turned_input[..input.len()];
        turned.fill(T::default());
        products(geometry, weight, gradient, count, turned, unrolled, work);
        transpose(turned, count, input);
    }
}

/// Adds to images that lie side by side, and are zero before.
fn products<T: Float>(
    geometry: &Geometry,
    weight: Matrix<'_, T>,
    gradient: &[T],
    count: usize,
    images: &mut [T],
    scratch: &mut [T],
    work: Work,
) {
    let channel = geometry.pixels_out() * count;
    for rows in geometry.bands() {
        let start = rows.start * geometry.output[1] * count;
        let columns = rows.len() * geometry.output[1] * count;
        let outputs = Matrix::new(
            &gradient[start..],
            [geometry.channels_out, columns],
            channel,
        );
        let shape = [geometry.unrolled_rows(), columns];
        if geometry.is_pointwise() {
            let product = MatrixMut::new(&mut images[start..], shape, channel);
            multiply(product, weight, outputs, Write::Replace, work);
        } else {
            let unrolled = &mut scratch[..shape[0] * columns];
            let product = MatrixMut::new(unrolled, shape, columns);
            multiply(product, weight, outputs, Write::Replace, work);
            fold(geometry, unrolled, count, rows, images, work);
        }
    }
}

/// How often an input gradient was computed on this thread.
#[cfg(test)]
pub(crate) mod calls {
    use std::cell::Cell;

    thread_local! {
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        CALLS.set(CALLS.get() + 1);
    }

    pub(crate) fn made() -> usize {
        CALLS.get()
    }
}
