//! Differentiable operators on [`Dual`](crate::Dual) values: the outputs of layers and their tangents.
//!
//! Every operator is composed of operations that burn differentiates once, so one backward pass can differentiate the
//! tangent of an output. If a mask or an index selects a branch (ReLU, max pooling), the value selects it and the mask
//! is held constant: the second derivative of a kink is zero almost everywhere, as in PyTorch's double backward.

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
