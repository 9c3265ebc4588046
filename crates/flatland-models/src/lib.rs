//! Networks with exact Hessian-vector products, and their loss over a full batch or over [mini-batches](MiniBatches) as
//! an objective.
//!
//! A network is a value: a [`Sequence`] of [`Layer`]s, built by a short declarative function such as
//! [`MlpConfig::init`]. A generic forward pass computes with [`Dual`] values, which carry an optional tangent:
//!
//! | pass | parameters | result |
//! |---|---|---|
//! | plain | [`ForwardPass::plain`] | the logits, without a tape |
//! | taped | [`ForwardPass::taped`] | logits whose `backward()` gives the gradient |
//! | tangent | [`ForwardPass::taped`] with a [direction](ForwardPass::along) `v` | logits and their derivative along `v`; one `backward()` of the derivative of the loss gives `∇²f(w)·v` *exactly* (reverse over forward, Pearlmutter 1994) |
//!
//! No second-order tape is needed. [`FullBatch`] computes the same numbers without a tape, by hand-written backward and
//! tangent passes (forward over reverse) for the layers that take most of the time. These passes share work between the
//! products at one point.
//!
//! # Tests
//!
//! Reference cases were computed by PyTorch in double precision. Every operator is compared to second order, the
//! torchvision networks and the vision transformer tensor by tensor, and whole runs of the methods with the authors'
//! own optimizers, line searches trial by trial.
//!
//! # References
//!
//! - B. A. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6(1), 1994.

mod architecture;
mod architecture_error;
mod batch;
mod chunk_threads;
mod cnn;
mod densenet;
mod dual;
mod engine;
mod footprint;
mod full_batch;
mod gradient;
mod initializer;
mod input_shape;
mod keep_awake;
mod layers;
mod layout;
mod loss;
mod mini_batches;
mod mlp;
mod norm;
pub mod ops;
mod pass;
mod resnet;
mod running;
mod sequence;
mod signal;
mod vgg;
mod vit;
mod weights;

pub use architecture::Architecture;
pub use architecture_error::ArchitectureError;
pub use batch::Batch;
pub use cnn::CnnConfig;
pub use densenet::DenseNet121Config;
pub use dual::Dual;
pub use footprint::{Footprint, Operation};
pub use full_batch::{Evaluation, FullBatch, Interruptible};
pub use gradient::{GradientNorms, NormSummary};
pub use initializer::{Fan, Initialization, Initializer};
pub use input_shape::InputShape;
pub use layers::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, BatchNorm2dConfig, Conv2d, Conv2dConfig,
    Dropout, Flatten, LayerNorm, LayerNormConfig, Linear, LinearConfig, MaxPool2d, MeanOfTokens,
    Nonlinearity, Patches, SelfAttention, SinCosPositions,
};
pub use layout::{Layout, ParameterSlot};
pub use loss::{Loss, UnknownLoss};
pub use mini_batches::MiniBatches;
pub use mlp::MlpConfig;
pub use norm::Norm;
pub use pass::{ForwardPass, Masks, SmallActivations};
pub use resnet::ResNetConfig;
pub use running::RunningStatistics;
pub use sequence::{Layer, Sequence};
pub use signal::Signal;
pub use vgg::Vgg11Config;
pub use vit::VitConfig;
pub use weights::{LoadedWeights, ShapeMismatch, WeightsError, load_weights, save_weights};
