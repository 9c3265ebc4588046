//! Networks whose every pass carries an optional tangent, and the objective they define: the loss over a full batch, or over
//! one [mini-batch](MiniBatches) after the other.
//!
//! A network is data: a [`Sequence`] of [`Layer`]s, built by a short declarative function such as [`MlpConfig::init`].
//! One generic pass pushes a [`Dual`] value through it:
//!
//! | pass | parameters | what it yields |
//! |---|---|---|
//! | plain | [`Pass::plain`] | the logits; no tape |
//! | taped | [`Pass::taped`] | logits whose `backward()` gives the gradient |
//! | tangent | [`Pass::taped`] with a [direction](Pass::along) `v` | logits and their derivative along `v`; one `backward()` of the derivative of the loss gives `∇²f(w)·v` *exactly* (reverse over forward, Pearlmutter 1994) |
//!
//! No second-order tape is needed. [`FullBatch`] goes another way to the same numbers: reverse and tangent passes written
//! by hand for the layers in which time is spent (forward over reverse), without any tape, which keep what the products
//! at one point have in common.
//!
//! # References
//!
//! - B. A. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6(1), 1994.

mod architecture;
mod awake;
mod batch;
mod cnn;
mod densenet;
mod dual;
mod engine;
mod footprint;
mod full_batch;
mod gradient;
mod initializer;
mod lanes;
mod layer;
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
mod vgg;
mod vit;
mod weights;

pub use architecture::{Architecture, ArchitectureError, InputShape};
pub use batch::Batch;
pub use cnn::CnnConfig;
pub use densenet::DenseNet121Config;
pub use dual::Dual;
pub use footprint::{Footprint, Operation};
pub use full_batch::{Evaluation, FullBatch, Unless};
pub use gradient::{GradientNorms, Spread};
pub use initializer::{Fan, Initialization, Initializer};
pub use layer::{Layer, Signal};
pub use layers::{
    Activation, AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, BatchNorm2dConfig, Conv2d, Conv2dConfig,
    Dropout, Flatten, LayerNorm, LayerNormConfig, Linear, LinearConfig, MaxPool2d, MeanOfTokens,
    Nonlinearity, Patches, SelfAttention, SinCosPositions,
};
pub use layout::{Layout, ParameterSlot};
pub use loss::Loss;
pub use mini_batches::MiniBatches;
pub use mlp::MlpConfig;
pub use norm::Norm;
pub use pass::{Masks, Pass, SmallActivations};
pub use resnet::ResNetConfig;
pub use running::RunningStatistics;
pub use sequence::Sequence;
pub use vgg::Vgg11Config;
pub use vit::VitConfig;
pub use weights::{LoadedWeights, ShapeMismatch, WeightsError, load_weights, save_weights};
