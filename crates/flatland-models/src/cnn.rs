//! The small convolutional network of the paper.

use serde::{Deserialize, Serialize};

use crate::architecture::MOST_FEATURES;
use crate::{
    Activation, ArchitectureError, Conv2dConfig, Flatten, Initializer, InputShape, Layer,
    LinearConfig, MaxPool2d, Nonlinearity, Norm, Sequence,
};

/// Two blocks of a 3×3 convolution, an activation and 2×2 max pooling, then a linear layer to the classes.
///
/// The paper's has 32 channels in both blocks: 30,634 parameters on CIFAR-10. PyTorch's names for them are those of
/// `nn.Sequential(Conv2d, ReLU, MaxPool2d, Conv2d, ReLU, MaxPool2d, Flatten, Linear)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CnnConfig {
    /// Channels of the two convolutions.
    pub channels: [usize; 2],
    /// What follows each convolution.
    pub activation: Nonlinearity,
    /// What follows each convolution before the activation; nothing in the paper's.
    pub norm: Norm,
    /// Whether the layers have biases (appendix J of the paper trains without).
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
        let InputShape { height, width, .. } = input;
        ArchitectureError::check_sizes("channels", &self.channels, MOST_FEATURES)?;
        if height.min(width) < 4 {
            return Err(ArchitectureError::ImageTooSmall {
                least: 4,
                height,
                width,
            });
        }
        Ok(())
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
        let head = LinearConfig::new(channels * (height / 4) * (width / 4), classes);
        layers.push(Flatten::default().into());
        layers.push(head.with_bias(self.bias).init(initializer).into());
        Sequence::numbered(layers)
    }
}
