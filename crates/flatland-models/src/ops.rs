//! Differentiable operators on [`Dual`](crate::Dual) values: what a layer computes, with its tangent, independent of where its
//! parameters come from.
//!
//! Every operator is built from operations that burn differentiates once, so that the tangent of an output can itself
//! be differentiated by one reverse pass. Where a mask or an index decides which branch is taken (ReLU, max pooling),
//! it is taken from the value and held constant, as everywhere except on a kink: the second derivative that a kink
//! contributes is zero almost everywhere, and PyTorch's double backward agrees.

mod activation;
mod attention;
mod conv;
mod linear;
mod norm;
mod pool;

pub use activation::{elu, gelu, log_softmax, relu, silu, softmax, softplus, tanh};
pub use attention::self_attention;
pub use conv::{Conv2dGeometry, conv2d};
pub use linear::linear;
pub use norm::{ChannelStatistics, batch_norm, batch_norm_with, layer_norm};
pub use pool::{adaptive_avg_pool2d, avg_pool2d, max_pool2d};
