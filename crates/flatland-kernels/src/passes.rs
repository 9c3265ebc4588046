//! Operators on plain tensors, for derivatives that are written by hand: of a forward pass, its reverse, its tangent,
//! and the tangent of its reverse.
//!
//! On flex, for `f32` and `f64`, they are loops of this crate; on any other device, and for any other type, and for
//! tensors on the tape, compositions of burn's operators ([`composed`]). An argument given by value is overwritten with
//! the result where nobody else holds it and the result is as large.

mod channels;
mod composed;
mod elementwise;
mod maps;
mod mean_pool;
mod norm;
mod normalized;
mod pool;
#[cfg(test)]
mod tests;

pub use channels::{append_channels, split_channels};
pub use elementwise::{add, gate, rectify};
pub use mean_pool::{Windows, mean_pool2d, mean_pool2d_gradient};
pub use norm::{
    batch_norm, batch_norm_gradient, batch_norm_gradient_tangent, batch_norm_tangent,
};
pub use normalized::BatchNorm;
pub use pool::{max_pool2d_gather, max_pool2d_scatter};
