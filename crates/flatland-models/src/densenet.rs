//! torchvision's DenseNet121.

use serde::{Deserialize, Serialize};

use crate::{
    AdaptiveAvgPool2d, ArchitectureError, AvgPool2d, BatchNorm2dConfig, Conv2dConfig, Dropout, Fan,
    Flatten, Initialization, Initializer, InputShape, Layer, LinearConfig, MaxPool2d, Sequence,
};

/// DenseNet121 with batch normalization: growth rate 32, blocks of 6, 12, 24 and 16 layers.
///
/// For grey images (EMNIST), the stem is a 3×3 convolution at stride 2 and a pooling with 5×5 windows at stride 1, as
/// in the paper.
///
/// # References
///
/// - G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, *Densely Connected Convolutional Networks*, CVPR 2017.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DenseNet121Config {
    /// Whether the last linear layer has a bias (without it in appendix J of the paper).
    pub last_bias: bool,
    /// The dropout rate of the new features of every dense layer: 0 in the paper.
    pub dropout: f64,
}

impl Default for DenseNet121Config {
    fn default() -> Self {
        Self {
            last_bias: true,
            dropout: 0.0,
        }
    }
}

/// The channels that each dense layer adds.
const GROWTH: usize = 32;
/// The channels between the two convolutions of a dense layer, in units of the growth.
const BOTTLENECK: usize = 4;

impl DenseNet121Config {
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
        let mut channels = 64;
        let (stem, pool) = match input.channels {
            1 => (
                Conv2dConfig::new(1, channels, 3).with_stride(2),
                MaxPool2d::new(5).with_stride(1),
            ),
            colours => (
                Conv2dConfig::new(colours, channels, 7)
                    .with_stride(2)
                    .with_padding(3),
                MaxPool2d::new(3).with_stride(2).with_padding(1),
            ),
        };
        let mut features: Vec<(String, Layer)> = vec![
            ("conv0".into(), conv(stem, initializer)),
            ("norm0".into(), norm(channels, initializer)),
            ("relu0".into(), Layer::relu()),
            ("pool0".into(), pool.into()),
        ];
        for (index, layers) in [6, 12, 24, 16].into_iter().enumerate() {
            let number = index + 1;
            if index > 0 {
                let name = format!("transition{index}");
                features.push((name, transition(&mut channels, initializer)));
            }
            let layers = (1..=layers).map(|layer| {
                (
                    format!("denselayer{layer}"),
                    dense_layer(&mut channels, self.dropout, initializer),
                )
            });
            let block = Sequence::named(layers.collect());
            features.push((format!("denseblock{number}"), block.into()));
        }
        features.push(("norm5".into(), norm(channels, initializer)));
        let head = LinearConfig::new(channels, classes)
            .with_bias(self.last_bias)
            .with_initialization(Initialization::PytorchZeroBias);
        Sequence::named(vec![
            ("features", Sequence::named(features).into()),
            ("relu", Layer::relu()),
            ("avgpool", AdaptiveAvgPool2d::new(1).into()),
            ("flatten", Flatten::default().into()),
            ("classifier", head.init(initializer).into()),
        ])
    }
}

/// Two convolutions, each after a batch normalization and a ReLU, whose output is concatenated with the input.
fn dense_layer(channels: &mut usize, dropout: f64, initializer: &mut Initializer) -> Layer {
    let inner = BOTTLENECK * GROWTH;
    let branch = vec![
        ("norm1", norm(*channels, initializer)),
        ("relu1", Layer::relu()),
        (
            "conv1",
            conv(Conv2dConfig::new(*channels, inner, 1), initializer),
        ),
        ("norm2", norm(inner, initializer)),
        ("relu2", Layer::relu()),
        (
            "conv2",
            conv(
                Conv2dConfig::new(inner, GROWTH, 3).with_padding(1),
                initializer,
            ),
        ),
        ("dropout", Dropout::new(dropout).into()),
    ];
    *channels += GROWTH;
    Sequence::dense(branch).into()
}

/// Halves the number of channels and the size.
fn transition(channels: &mut usize, initializer: &mut Initializer) -> Layer {
    let (wide, narrow) = (*channels, *channels / 2);
    *channels = narrow;
    Sequence::named(vec![
        ("norm", norm(wide, initializer)),
        ("relu", Layer::relu()),
        (
            "conv",
            conv(Conv2dConfig::new(wide, narrow, 1), initializer),
        ),
        ("pool", AvgPool2d::new(2).into()),
    ])
    .into()
}

fn conv(config: Conv2dConfig, initializer: &mut Initializer) -> Layer {
    config
        .with_bias(false)
        .with_initialization(Initialization::KaimingNormal(Fan::In))
        .init(initializer)
        .into()
}

fn norm(channels: usize, initializer: &mut Initializer) -> Layer {
    BatchNorm2dConfig::new(channels).init(initializer).into()
}
