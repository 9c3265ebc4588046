//! The paper's multilayer perceptron.

use serde::{Deserialize, Serialize};

use crate::architecture_error::{MOST_FEATURES, MOST_LAYERS};
use crate::{
    Activation, ArchitectureError, Flatten, Initializer, InputShape, Layer, Nonlinearity, Sequence,
};

/// A multilayer perceptron: for each width a linear layer and an activation, then a linear layer to the classes.
///
/// The paper's network has two hidden layers of 100 ReLUs and 318,410 parameters on CIFAR-10. Its parameters have the
/// names of `nn.Sequential(Flatten, Linear, ReLU, Linear, ReLU, Linear)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MlpConfig {
    /// The features of each hidden layer.
    pub widths: Vec<usize>,
    /// The activation after each hidden layer.
    pub activation: Nonlinearity,
    /// Whether the linear layers have biases (without them in appendix J of the paper).
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
        for &width in &self.widths {
            layers.push(Layer::linear(features, width, self.bias, initializer));
            layers.push(Activation::new(self.activation).into());
            features = width;
        }
        layers.push(Layer::linear(features, classes, self.bias, initializer));
        Sequence::numbered(layers)
    }
}
