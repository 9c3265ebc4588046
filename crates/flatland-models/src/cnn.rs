//! The paper's small convolutional network.

use serde::{Deserialize, Serialize};

use crate::architecture_error::MOST_FEATURES;
use crate::{
    Activation, ArchitectureError, Conv2dConfig, Flatten, Initializer, InputShape, Layer,
    MaxPool2d, Nonlinearity, Norm, Sequence,
};

/// Two blocks of a 3×3 convolution, an activation and 2×2 max pooling, then a linear layer to the classes.
///
/// The paper's network has 32 channels in both blocks and 30,634 parameters on CIFAR-10. Its parameters have the names
/// of `nn.Sequential(Conv2d, ReLU, MaxPool2d, Conv2d, ReLU, MaxPool2d, Flatten, Linear)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CnnConfig {
    /// The channels of the two convolutions.
    pub channels: [usize; 2],
    /// The activation after each convolution.
    pub activation: Nonlinearity,
    /// The normalization between a convolution and its activation. The paper uses none.
    pub norm: Norm,
    /// Whether the layers have biases (without them in appendix J of the paper).
    pub bias: bool,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self {
            channels: [32, 32],
            activation: Nonlinearity::Relu,
            norm: Norm::None,
            bias: true,
        }
    }
}

impl CnnConfig {
    pub(crate) fn check(&self, input: InputShape) -> Result<(), ArchitectureError> {
        ArchitectureError::check_sizes("channels", &self.channels, MOST_FEATURES)?;
        ArchitectureError::check_image(input, 4)
    }

    /// Builds the network and draws its weights from PyTorch's default distribution.
    pub fn init(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        let InputShape {
            channels,
            height,
            width,
        } = input;
        let mut layers: Vec<Layer> = Vec::new();
        let mut channels = channels;
        for width in self.channels {
            let conv = Conv2dConfig::new(channels, width, 3)
                .with_padding(1)
                .with_bias(self.bias);
            layers.push(conv.init(initializer).into());
            let norm = self.norm.layer("", width, initializer);
            layers.extend(norm.map(|(_, norm)| norm));
            layers.push(Activation::new(self.activation).into());
            layers.push(MaxPool2d::new(2).into());
            channels = width;
        }
        let features = channels * (height / 4) * (width / 4);
        layers.push(Flatten::default().into());
        layers.push(Layer::linear(features, classes, self.bias, initializer));
        Sequence::numbered(layers)
    }
}
