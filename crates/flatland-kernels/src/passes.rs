//! Operators on plain tensors for hand-written passes: forward, backward, tangent, and tangent of the backward pass.
//!
//! On flex, for `f32` and `f64`, they are loops of this crate that work on the memory of flex and are also compiled for
//! AVX2 and AVX-512 by [`pulp`]. For other devices and types, and for tensors on a tape, they are compositions of
//! burn's operators ([`composed`]), which are also the reference of the tests. An argument that is passed by value is
//! overwritten with a result of the same size, unless its memory is shared.

mod avg_pool;
mod channels;
mod composed;
mod elementwise;
mod maps;
mod norm;
mod normalized;
mod pool;
#[cfg(test)]
mod tests;

pub use avg_pool::{Windows, avg_pool2d, avg_pool2d_gradient};
pub use channels::{cat_channels, split_channels};
pub use elementwise::{add, gate, relu};
pub use norm::{batch_norm, batch_norm_gradient, batch_norm_gradient_tangent, batch_norm_tangent};
pub use normalized::BatchNorm;
pub use pool::{max_pool2d_gather, max_pool2d_scatter};
