//! Layers: parameters and options around the [operators](crate::ops).

mod activation;
mod batch_norm;
mod conv2d;
mod flatten;
mod linear;
mod pool;

pub use activation::{Activation, Nonlinearity};
pub use batch_norm::{BatchNorm2d, BatchNorm2dConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use flatten::Flatten;
pub use linear::{Linear, LinearConfig};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
