//! Linear layers.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::{Dual, ForwardPass, Initialization, Initializer, ops};

/// The options of a [`Linear`] layer.
#[derive(Debug, Clone)]
pub struct LinearConfig {
    features_in: usize,
    features_out: usize,
    bias: bool,
    initialization: Initialization,
}

impl LinearConfig {
    /// Options of a map from `features_in` to `features_out` features, with a bias.
    pub fn new(features_in: usize, features_out: usize) -> Self {
        Self {
            features_in,
            features_out,
            bias: true,
            initialization: Initialization::Pytorch,
        }
    }

    /// Sets whether the layer has a bias.
    pub fn with_bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets the distribution of weights and biases. The default is PyTorch's.
    pub fn with_initialization(mut self, initialization: Initialization) -> Self {
        self.initialization = initialization;
        self
    }

    /// The layer with new parameters.
    pub fn init(&self, initializer: &mut Initializer) -> Linear {
        let shape = [self.features_out, self.features_in];
        let (weight, bias) = initializer.layer(shape, self.bias, self.initialization);
        Linear { weight, bias }
    }
}

/// An affine map of features, see [`ops::linear`].
#[derive(Module, Debug)]
pub struct Linear {
    /// `[features_out, features_in]`, PyTorch's layout.
    pub(crate) weight: Param<Tensor<2>>,
    /// `[features_out]`
    pub(crate) bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// `[features_out, features_in]`
    pub(crate) fn weight_shape(&self) -> [usize; 2] {
        self.weight.shape().dims()
    }

    /// The affine map of every sample.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, features_in]`
    /// - output: `[batch, features_out]`
    pub fn forward(&self, pass: &ForwardPass<'_>, input: Dual<2>) -> Dual<2> {
        let bias = self.bias.as_ref().map(|bias| pass.parameter(bias));
        ops::linear(input, pass.parameter(&self.weight), bias)
    }

    /// The affine map of every token.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, tokens, features_in]`
    /// - output: `[batch, tokens, features_out]`
    pub fn forward_tokens(&self, pass: &ForwardPass<'_>, input: Dual<3>) -> Dual<3> {
        let [batch, tokens, features] = input.dims();
        let rows = input.map_linear(|x| x.reshape([batch * tokens, features]));
        let output = self.forward(pass, rows);
        let [_, features] = output.dims();
        output.map_linear(|x| x.reshape([batch, tokens, features]))
    }
}
