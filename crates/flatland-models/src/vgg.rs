//! torchvision's VGG11.

use serde::{Deserialize, Serialize};

use crate::{
    AdaptiveAvgPool2d, ArchitectureError, Conv2dConfig, Dropout, Fan, Flatten, Initialization,
    Initializer, InputShape, Layer, LinearConfig, MaxPool2d, Sequence,
};

/// VGG11 without batch normalization: eight 3×3 convolutions, five poolings, an adaptive pooling to 7×7 and three
/// linear layers.
///
/// For grey images (EMNIST), the first pooling has 5×5 windows at stride 1 instead of 2×2 windows, as in the paper:
/// five halvings of 28 pixels leave none.
///
/// # References
///
/// - K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vgg11Config {
    /// Whether the last linear layer has a bias (without it in appendix J of the paper).
    pub last_bias: bool,
    /// The dropout rate before the second and the third linear layer: 0.5 in torchvision, 0 in the paper.
    pub dropout: f64,
}

impl Default for Vgg11Config {
    fn default() -> Self {
        Self {
            last_bias: true,
            dropout: 0.0,
        }
    }
}

impl Vgg11Config {
    pub(crate) fn check(&self) -> Result<(), ArchitectureError> {
        ArchitectureError::check_rate("dropout", self.dropout)
    }

    /// Builds the network and draws torchvision's initial weights.
    pub fn init(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        const POOL: usize = 0;
        let mut features: Vec<Layer> = Vec::new();
        let mut channels = input.channels;
        for width in [
            64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL,
        ] {
            if width == POOL {
                let is_first = channels == 64;
                features.push(match (is_first, input.channels) {
                    (true, 1) => MaxPool2d::new(5).with_stride(1).with_padding(1).into(),
                    _ => MaxPool2d::new(2).into(),
                });
            } else {
                let conv = Conv2dConfig::new(channels, width, 3)
                    .with_padding(1)
                    .with_initialization(Initialization::KaimingNormal(Fan::Out));
                features.push(conv.init(initializer).into());
                features.push(Layer::relu());
                channels = width;
            }
        }
        let mut linear = |features_in, features_out, bias| -> Layer {
            LinearConfig::new(features_in, features_out)
                .with_bias(bias)
                .with_initialization(Initialization::Normal(0.01))
                .init(initializer)
                .into()
        };
        let dropout = || Dropout::new(self.dropout).into();
        Sequence::named(vec![
            ("features", Sequence::numbered(features).into()),
            ("avgpool", AdaptiveAvgPool2d::new(7).into()),
            ("flatten", Flatten::default().into()),
            (
                "classifier",
                Sequence::named(vec![
                    ("0", linear(512 * 7 * 7, 4096, true)),
                    ("1", Layer::relu()),
                    ("2", dropout()),
                    ("3", linear(4096, 4096, true)),
                    ("4", Layer::relu()),
                    ("5", dropout()),
                    ("6", linear(4096, classes, self.last_bias)),
                ])
                .into(),
            ),
        ])
    }
}
