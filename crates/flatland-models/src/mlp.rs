//! The fully connected network of the paper.

use serde::{Deserialize, Serialize};

use crate::architecture::{MOST_FEATURES, MOST_LAYERS};
use crate::{
    Activation, ArchitectureError, Flatten, Initializer, InputShape, Layer, LinearConfig,
    Nonlinearity, Sequence,
};

/// A multilayer perceptron: flatten, then for each width a linear layer and an activation, then a linear layer to the
/// classes.
///
/// The paper's has two hidden layers of 100 ReLUs: 318,410 parameters on CIFAR-10. PyTorch's names for them are those
/// of `nn.Sequential(Flatten, Linear, ReLU, Linear, ReLU, Linear)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// Features of each hidden layer.
    pub widths: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Nonlinearity,
    /// Whether the linear layers have biases (appendix J of the paper trains without).
    pub bias: bool,
}

impl Default for MlpConfig {
    fn default() -> Self {
        Self {
            widths: vec![100, 100],
            activation: Nonlinearity::Relu,
            bias: true,
        }
    }
}

impl MlpConfig {
    pub(crate) fn check(&self) -> Result<(), ArchitectureError> {
        let count = self.widths.len();
        if count > MOST_LAYERS {
            return Err(ArchitectureError::TooLarge {
                option: "the number of widths",
                value: count,
                most: MOST_LAYERS,
            });
        }
        ArchitectureError::check_sizes("widths", &self.widths, MOST_FEATURES)
    }

    /// Builds the network and draws its weights from PyTorch's default distribution.
    pub fn init(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        let mut layers: Vec<Layer> = vec![Flatten::default().into()];
        let mut features = input.channels * input.height * input.width;
        let mut linear = |features_in, features_out| {
            LinearConfig::new(features_in, features_out)
                .with_bias(self.bias)
                .init(initializer)
        };
        for &width in &self.widths {
            layers.push(linear(features, width).into());
            layers.push(Activation::new(self.activation).into());
            features = width;
        }
        layers.push(linear(features, classes).into());
        Sequence::numbered(layers)
    }
}
