//! Fast operators for burn's CPU backend flex.
//!
//! burn 0.22.1 implements several operators of flex by generic code. For example, the weight gradient of a convolution
//! is a convolution with batch and channels swapped. The operators of this crate have the results of burn's operators
//! up to rounding, and are faster. They support `f32` and `f64` on flex. For any other device or type they call burn's
//! operators.
//!
//! Two operators are first-order differentiable, as burn's are:
//!
//! - [`conv2d`]: a convolution, with its gradients as products of unrolled images.
//! - [`max_pool2d`]: max pooling, with the places of the maxima.
//!
//! The other operators belong to hand-written forward, backward and tangent passes. They take plain tensors. For
//! tensors on a tape they call burn's operators, which the tape records. An operator overwrites an argument that is
//! passed by value with a result of the same size, unless the argument's memory is shared.
//!
//! - [`relu`], [`gate`], [`add`]: elementwise operators.
//! - [`cat_channels`], [`split_channels`]: concatenation of channels, and its inverse.
//! - [`max_pool2d_scatter`], [`max_pool2d_gather`]: the gradient and the tangent of max pooling.
//! - [`avg_pool2d`], [`avg_pool2d_gradient`]: average pooling and its gradient.
//! - [`batch_norm`], [`batch_norm_gradient`], [`batch_norm_tangent`], [`batch_norm_gradient_tangent`]: batch
//!   normalization by the statistics of the batch.
//! - [`linear()`], [`convolve()`] and their gradients: sums of linear maps and of convolutions.
//!
//! The operators on parameter vectors are [`dot`] and [`axpy`], and [`inner_products`], [`subtract_multiples`] and
//! [`rotate`] on bases of vectors. [`Flat`] is a vector that is written part by part, and [`is_equal`] compares
//! vectors. On a CPU, the speed of long vectors depends on threads, which burn's operators on vectors do not use.
//!
//! # Determinism
//!
//! The division of work and the order of sums depend on shapes alone. Results do not depend on the number of threads,
//! which determines only whether threads share a part or process one part each. The operators of passes do not depend
//! on the instruction set that [`pulp`] selects. The blocks of a matrix product depend on the cache sizes of the
//! processor, so the same bits are guaranteed on one machine.
//!
//! # Memory
//!
//! Besides its arguments and results, an operator needs the memory that [`conv2d`] states, for each thread. The
//! operators of batch normalization need a slice for each image and block of channels.
//!
//! # Tests
//!
//! The operators are compared with burn's operators on random shapes, and with themselves on 1, 2 and 5 threads, bit by
//! bit. Hand-written derivatives are compared with burn's tape and with finite differences.
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
    BatchNorm, Windows, add, avg_pool2d, avg_pool2d_gradient, batch_norm, batch_norm_gradient,
    batch_norm_gradient_tangent, batch_norm_tangent, cat_channels, gate, max_pool2d_gather,
    max_pool2d_scatter, relu, split_channels,
};
pub use vectors::{axpy, dot, inner_products, rotate, subtract_multiples};
