//! The gradient at the input.

use std::borrow::Cow;

use super::unroll::{Parts, Scratch, fold, live_weight, turned};
use super::{Geometry, Term, forward};
use crate::float::Float;
use crate::fresh::in_chunks;
use crate::product::{Matrix, MatrixMut, Work, Write, multiply};
use crate::transpose::transpose;

/// The gradient at the input, `[batch, channels_in, height, width]`: a sum over terms of a weight and the gradient at
/// its output.
pub(crate) fn input_gradient<T: Float>(geometry: &Geometry, terms: &[Term<'_, T>]) -> Vec<T> {
    #[cfg(test)]
    calls::record();
    if let Some(reversed) = geometry.reversed() {
        let weights: Vec<_> = (terms.iter())
            .map(|[weight, _]| reversed_weight(geometry, weight))
            .collect();
        let terms: Vec<_> = (terms.iter().zip(&weights))
            .map(|([_, gradient], weight)| [*gradient, weight.as_slice()])
            .collect();
        return forward(&reversed, &terms, None);
    }
    let weights: Vec<_> = (terms.iter())
        .map(|[weight, _]| live_weight(geometry, weight))
        .collect();
    let work = Geometry::work(geometry.groups());
    in_chunks(
        geometry.batch * geometry.image_in(),
        geometry.group * geometry.image_in(),
        || Scratch::new(geometry, terms.len()),
        |scratch, index, input| {
            let images = geometry.images(index);
            let count = images.len();
            let Parts {
                turned_input,
                turned_output,
                unrolled,
            } = scratch.parts();
            let gradients =
                (terms.iter()).map(|[_, gradient]| &gradient[geometry.numbers_out(&images)]);
            let gradients: Vec<_> = if count == 1 {
                gradients.collect()
            } else {
                (gradients.zip(turned_output.chunks_mut(geometry.group * geometry.image_out())))
                    .map(|(gradient, scratch)| turned(gradient, count, scratch, work))
                    .collect()
            };
            if count == 1 {
                products(geometry, &weights, &gradients, 1, input, unrolled, work);
            } else {
                let sum = &mut turned_input[..input.len()];
                sum.fill(T::default());
                products(geometry, &weights, &gradients, count, sum, unrolled, work);
                transpose(sum, count, input, work);
            }
        },
    )
}

/// The weight of the [reversed](Geometry::reversed) convolution, `[channels_in, channels_out, taps]`, with taps in
/// reverse order.
fn reversed_weight<T: Float>(geometry: &Geometry, weight: &[T]) -> Vec<T> {
    let kernel = geometry.kernel_size();
    let (row_in, row_out) = (
        geometry.channels_in * kernel,
        geometry.channels_out * kernel,
    );
    let one = |(): &mut (), channel_in: usize, row: &mut [T]| {
        let kernels = weight[channel_in * kernel..].chunks(row_in);
        for (reversed, taps) in row.chunks_exact_mut(kernel).zip(kernels) {
            for (reversed, tap) in reversed.iter_mut().zip(taps[..kernel].iter().rev()) {
                *reversed = *tap;
            }
        }
    };
    in_chunks(weight.len(), row_out, || (), one)
}

/// Adds the products to a group of transposed images, which are zero before.
fn products<T: Float>(
    geometry: &Geometry,
    weights: &[Cow<'_, [T]>],
    gradients: &[&[T]],
    count: usize,
    images: &mut [T],
    scratch: &mut [T],
    work: Work,
) {
    let channel = geometry.pixels_out() * count;
    for rows in geometry.bands() {
        let start = rows.start * geometry.output[1] * count;
        let columns = rows.len() * geometry.output[1] * count;
        let shape = [geometry.unrolled_rows(), columns];
        let add_up = |sum: &mut [T], stride: usize| {
            let mut write = Write::Replace;
            for (weight, gradient) in weights.iter().zip(gradients) {
                let weight = geometry.weight_matrix(weight).transposed();
                let gradient = &gradient[start..];
                let outputs = Matrix::new(gradient, [geometry.channels_out, columns], channel);
                let product = MatrixMut::new(sum, shape, stride);
                multiply(product, weight, outputs, write, work);
                write = Write::Add;
            }
        };
        if geometry.is_pointwise() {
            add_up(&mut images[start..], channel);
        } else {
            let unrolled = &mut scratch[..shape[0] * columns];
            add_up(unrolled, columns);
            fold(geometry, unrolled, count, rows, images, work);
        }
    }
}

/// The number of input gradients that were computed on this thread.
#[cfg(test)]
pub(crate) mod calls {
    use std::cell::Cell;

    thread_local! {
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn record() {
        CALLS.set(CALLS.get() + 1);
    }

    pub(crate) fn count_so_far() -> usize {
        CALLS.get()
    }
}
