//! A convolution as a product of the weight and the unrolled images.
//!
//! An output pixel is the product of the weight, `[channels_out, channels_in · taps]`, and a column that holds what the
//! kernel covers there. Images are taken some at a time:
//!
//! - Large ones one by one, in bands of output rows: a column holds one pixel of one image.
//! - Of small ones a *group* is turned so that the pixels of its images lie side by side, `[channels, height, width,
//!   images]`. Rows are then long enough to be copied as blocks, and the product has enough columns.
//!
//! Where nothing has to be unrolled, images of 64 pixels are large already.
//!
//! With stride 1, the gradient at the input is a convolution of that at the output, with the kernel reversed and the
//! channels exchanged: numbers are copied into columns, which costs less than to add columns to pixels.
//!
//! Taps that meet nothing but padding, as do eight of nine in a 3×3 kernel on an image of one pixel, are left out.
//!
//! A product reads one of its factors turned. At a weight that is much smaller than the unrolled images, the transpose of
//! the gradient is computed, so that it is the gradient at the output that is turned.

/// Two factors, such as an input and a weight.
pub(crate) type Term<'a, T> = [&'a [T]; 2];

mod forward;
mod geometry;
mod input_gradient;
mod unroll;
mod weight_gradient;

pub(crate) use forward::forward;
pub(crate) use geometry::Geometry;
#[cfg(test)]
pub(crate) use input_gradient::calls::made as input_gradient_calls;
pub(crate) use input_gradient::input_gradient;
pub(crate) use unroll::met;
pub(crate) use weight_gradient::{bias_gradient, weight_gradient};
