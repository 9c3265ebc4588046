//! Layer normalization.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::{Dual, ForwardPass, Initializer, ops};

/// The options of a [`LayerNorm`] layer.
#[derive(Debug, Clone)]
pub struct LayerNormConfig {
    features: usize,
}

impl LayerNormConfig {
    /// Options for rows of `features` entries, with `ε = 1e-5`.
    pub fn new(features: usize) -> Self {
        Self { features }
    }

    /// The layer with scale 1 and shift 0.
    pub fn init(&self, initializer: &mut Initializer) -> LayerNorm {
        let shape = [self.features];
        LayerNorm {
            weight: initializer.constant(shape, 1.0),
            bias: initializer.constant(shape, 0.0),
            epsilon: 1e-5,
        }
    }
}

/// Layer normalization of every token or every row of features, see [`ops::layer_norm`].
#[derive(Module, Debug)]
pub struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// The normalized rows.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, tokens, features]` or `[batch, features]`
    pub fn forward<const D: usize>(&self, pass: &ForwardPass<'_>, input: Dual<D>) -> Dual<D> {
        let (scale, shift) = (pass.parameter(&self.weight), pass.parameter(&self.bias));
        ops::layer_norm(input, scale, shift, self.epsilon)
    }
}
