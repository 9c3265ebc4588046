//! Operators for burn's CPU backend flex, where a network spends its time.
//!
//! burn 0.22.1 leaves several operators of flex to generic code; the weight gradient of a convolution, for one, is a
//! convolution with batch and channels swapped. The operators here give what burn's give, up to rounding, and sooner.
//! They are for `f32` and `f64`; on any other device, and for any other type, burn's own operators are called.
//!
//! Two are first-order differentiable like burn's:
//!
//! - [`conv2d`]: a convolution, its input, weight and bias gradients as products of unrolled images.
//! - [`max_pool2d`]: the largest value of each window, and its place.
//!
//! The others are parts of passes whose derivatives are written by hand: forward, reverse, tangent, and the tangent of
//! the reverse. They take plain tensors; tensors on the tape get burn's operators, which the tape then records. What an
//! operator is given by value it overwrites with its result, where nobody else holds it and the result is as large.
//!
//! - [`rectify`], [`gate`], [`add`]: number by number.
//! - [`append_channels`], [`split_channels`]: images with the channels of two, and back.
//! - [`max_pool2d_scatter`], [`max_pool2d_gather`]: to the places of the largest values, and from them.
//! - [`mean_pool2d`], [`mean_pool2d_gradient`]: means of windows, and back.
//! - [`batch_norm`], [`batch_norm_gradient`], [`batch_norm_tangent`], [`batch_norm_gradient_tangent`]: batch
//!   normalization with the statistics of the batch.
//!
//! For parameter vectors there are [`dot`] and [`axpy`], and for bases of them [`inner_products`],
//! [`subtract_multiples`] and [`rotate`]; [`Flat`] is written part by part, and [`is_equal`] compares.
//!
//! # Determinism
//!
//! Work is divided, and sums are added, by shapes alone: results do not depend on the number of threads, which only
//! decides whether the threads share a part or take one each.
//! Nor do they on the instruction set that [`pulp`] finds for the operators of passes.
//! The blocks of a matrix product depend on the sizes of the processor's caches, so bits are the same on one machine.
//!
//! # Memory
//!
//! Besides the tensors that it is given and returns, an operator takes what [`conv2d`] states, for each thread; those of
//! batch normalization take a slice for each image and block of channels.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//!
//! let device = Device::flex();
//! let images = Tensor::<4>::ones([2, 3, 8, 8], &device);
//! let weight = Tensor::from_inner(Tensor::<4>::ones([4, 3, 3, 3], &device)).require_grad();
//! let maps = flatland_kernels::conv2d(images, weight.clone(), None, 1, 1);
//! assert_eq!(maps.dims(), [2, 4, 8, 8]);
//!
//! let gradients = maps.sum().backward();
//! assert_eq!(weight.grad(&gradients).unwrap().dims(), [4, 3, 3, 3]);
//! ```

mod backend;
mod conv2d;
mod convolve;
mod equal;
mod flat;
mod flex;
mod float;
mod fresh;
mod linear;
mod max_pool2d;
mod on_flex;
mod passes;
mod product;
mod transpose;
mod vectors;

pub use backend::conv2d;
pub use convolve::{
    convolve, convolve_bias_gradient, convolve_input_gradient, convolve_weight_gradient,
};
pub use equal::is_equal;
pub use flat::Flat;
pub use flex::is_own;
pub use linear::{linear, linear_input_gradient, linear_weight_gradient};
pub use max_pool2d::max_pool2d;
pub use passes::{
    BatchNorm, Windows, add, append_channels, batch_norm, batch_norm_gradient,
    batch_norm_gradient_tangent, batch_norm_tangent, gate, max_pool2d_gather, max_pool2d_scatter,
    mean_pool2d, mean_pool2d_gradient, rectify, split_channels,
};
pub use vectors::{axpy, dot, inner_products, rotate, subtract_multiples};
