//! The small convolutional network of the paper.

use serde::{Deserialize, Serialize};

use crate::{
    Activation, ArchitectureError, Conv2dConfig, Flatten, Initializer, InputShape, LinearConfig,
    MaxPool2d, Nonlinearity, Sequence,
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
    /// Whether the layers have biases (appendix J of the paper trains without).
    pub bias: bool,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self {
            channels: [32, 32],
            activation: Nonlinearity::Relu,
            bias: true,
        }
    }
}

impl CnnConfig {
    pub(crate) fn check(&self, input: InputShape) -> Result<(), ArchitectureError> {
        let InputShape { height, width, .. } = input;
        if self.channels.contains(&0) {
            return Err(ArchitectureError::ZeroWidth {
                option: "channels",
                value: self.channels.to_vec(),
            });
        }
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
        let [first, second] = self.channels;
        let mut conv = |channels_in, channels_out| {
            Conv2dConfig::new(channels_in, channels_out, 3)
                .with_padding(1)
                .with_bias(self.bias)
                .init(initializer)
        };
        Sequence::numbered([
            conv(channels, first).into(),
            Activation::new(self.activation).into(),
            MaxPool2d::new(2).into(),
            conv(first, second).into(),
            Activation::new(self.activation).into(),
            MaxPool2d::new(2).into(),
            Flatten::default().into(),
            LinearConfig::new(second * (height / 4) * (width / 4), classes)
                .with_bias(self.bias)
                .init(initializer)
                .into(),
        ])
    }
}
