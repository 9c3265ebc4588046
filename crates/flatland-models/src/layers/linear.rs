use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::{Dual, Initializer, Pass, ops};

/// The options of a [`Linear`] layer.
#[derive(Debug, Clone)]
pub struct LinearConfig {
    features_in: usize,
    features_out: usize,
    bias: bool,
}

impl LinearConfig {
    /// A map from `features_in` to `features_out` features, with a bias.
    pub fn new(features_in: usize, features_out: usize) -> Self {
        Self {
            features_in,
            features_out,
            bias: true,
        }
    }

    /// With or without a bias.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Draws weights and biases from PyTorch's default, `U(−1/√features_in, 1/√features_in)`.
    pub fn init(&self, initializer: &mut Initializer) -> Linear {
        let bound = 1.0 / (self.features_in as f64).sqrt();
        Linear {
            weight: initializer.uniform([self.features_out, self.features_in], bound),
            bias: self
                .bias
                .then(|| initializer.uniform([self.features_out], bound)),
        }
    }
}

/// An affine map of features, see [`ops::linear`].
#[derive(Module, Debug)]
pub struct Linear {
    /// `[features_out, features_in]`, PyTorch's layout.
    weight: Param<Tensor<2>>,
    /// `[features_out]`
    bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// # Shapes
    ///
    /// - input: `[batch, features_in]`
    /// - output: `[batch, features_out]`
    pub fn forward(&self, pass: &Pass<'_>, input: Dual<2>) -> Dual<2> {
        let bias = self.bias.as_ref().map(|bias| pass.parameter(bias));
        ops::linear(input, pass.parameter(&self.weight), bias)
    }
}
