//! The layers: parameters and options of the [operators](crate::ops).

mod activation;
mod batch_norm;
mod conv2d;
mod dropout;
mod flatten;
mod layer_norm;
mod linear;
mod pool;
mod tokens;

pub use activation::{Activation, Nonlinearity};
pub use batch_norm::{BatchNorm2d, BatchNorm2dConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use layer_norm::{LayerNorm, LayerNormConfig};
pub use linear::{Linear, LinearConfig};
pub use pool::{AdaptiveAvgPool2d, AvgPool2d, MaxPool2d};
pub use tokens::{MeanOfTokens, Patches, SelfAttention, SinCosPositions};
