//! A convolution as a product of the weight and the unrolled images.
//!
//! The unrolled images have one column for each output pixel, which contains the input pixels under the kernel. The
//! output is the product of the weight, `[channels_out, channels_in · taps]`, and the columns. Some images are unrolled
//! at a time:
//!
//! - Large images one by one, in bands of output rows.
//! - Small images in groups. A group is transposed to `[channels, height, width, images]`, so the same pixels of its
//!   images are adjacent. Then rows are long enough to be copied as blocks, and the product has enough columns.
//!
//! For a pointwise convolution, which needs no unrolling, images from 64 pixels are large.
//!
//! With stride 1, the gradient at the input is a convolution of the gradient at the output, with the reversed kernel
//! and swapped channels. Copying numbers into columns costs less than adding columns to pixels. For a few images,
//! reversing the kernel costs more than it saves, and columns are added to pixels.
//!
//! Taps that cover only padding are skipped, such as eight of nine taps of a 3×3 kernel on an image of one pixel.
//!
//! A product transposes its right factor. For a weight that is much smaller than the unrolled images, the transpose of
//! the weight's gradient is computed, so the product transposes the gradient at the output instead of the unrolled
//! images.

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
pub(crate) use input_gradient::calls::count_so_far as input_gradient_calls;
pub(crate) use input_gradient::input_gradient;
pub(crate) use unroll::first_pixel;
pub(crate) use weight_gradient::{bias_gradient, weight_gradient};
