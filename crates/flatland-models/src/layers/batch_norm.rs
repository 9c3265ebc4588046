//! Batch normalization.
//!
//! A forward pass records batch statistics and changes no state. The objective holds the running statistics and updates
//! them once per step. burn's own batch normalization, which writes to shared state in a forward pass, is not used.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::running::Observation;
use crate::{Dual, ForwardPass, Initializer, ops};

/// The options of a [`BatchNorm2d`] layer.
#[derive(Debug, Clone)]
pub struct BatchNorm2dConfig {
    channels: usize,
}

impl BatchNorm2dConfig {
    /// Options for `channels` channels, with `ε = 1e-5`.
    pub fn new(channels: usize) -> Self {
        Self { channels }
    }

    /// The layer with scale 1, shift 0, running mean 0 and running variance 1.
    pub fn init(&self, initializer: &mut Initializer) -> BatchNorm2d {
        let shape = [self.channels];
        BatchNorm2d {
            weight: initializer.constant(shape, 1.0),
            bias: initializer.constant(shape, 0.0),
            running_mean: initializer.buffer(shape, 0.0),
            running_var: initializer.buffer(shape, 1.0),
            epsilon: 1e-5,
        }
    }
}

/// Batch normalization of images, see [`ops::batch_norm`].
///
/// The layer normalizes by the statistics of the batch, taped or not, unless the [pass](ForwardPass::normalized_by) has
/// running statistics. A forward pass does not update the running statistics: the pass records the batch statistics.
#[derive(Module, Debug)]
pub struct BatchNorm2d {
    pub(crate) weight: Param<Tensor<1>>,
    pub(crate) bias: Param<Tensor<1>>,
    pub(crate) running_mean: Param<Tensor<1>>,
    running_var: Param<Tensor<1>>,
    #[module(skip)]
    pub(crate) epsilon: f64,
}

impl BatchNorm2d {
    /// The normalized images.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, channels, height, width]`
    pub fn forward(&self, pass: &ForwardPass<'_>, input: Dual<4>) -> Dual<4> {
        let (scale, shift) = (pass.parameter(&self.weight), pass.parameter(&self.bias));
        let id = self.running_mean.id;
        if let Some(running) = pass.running(id) {
            return ops::batch_norm_with(input, scale, shift, running, self.epsilon);
        }
        let [batch, _, height, width] = input.dims();
        let (output, statistics) = ops::batch_norm(input, scale, shift, self.epsilon);
        pass.observe(Observation {
            id,
            statistics,
            count: batch * height * width,
        });
        output
    }
}
