//! torchvision's residual networks.

use serde::{Deserialize, Serialize};

use crate::{
    Activation, AdaptiveAvgPool2d, Conv2dConfig, Fan, Flatten, Initialization, Initializer,
    InputShape, Layer, MaxPool2d, Nonlinearity, Norm, Sequence,
};

/// The options of a residual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNetConfig {
    /// The normalization after each convolution. torchvision uses batch normalization, the paper none.
    pub norm: Norm,
    /// Whether the last linear layer has a bias (without it in appendix J of the paper).
    pub last_bias: bool,
}

impl Default for ResNetConfig {
    fn default() -> Self {
        Self {
            norm: Norm::None,
            last_bias: true,
        }
    }
}

/// The residual block of a network.
#[derive(Debug, Clone, Copy)]
enum Block {
    /// Two 3×3 convolutions.
    Basic,
    /// A 1×1, a 3×3 and a 1×1 convolution; the output has 4 times as many channels as a [`Basic`](Self::Basic) one,
    /// and the 3×3 convolution `width` times as many.
    Bottleneck {
        /// The factor of the inner channels.
        width: usize,
    },
}

impl ResNetConfig {
    /// ResNet34, with 3 + 4 + 6 + 3 basic blocks.
    ///
    /// # References
    ///
    /// - K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016.
    pub fn init_resnet34(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        self.build(Block::Basic, input, classes, initializer)
    }

    /// WideResNet50-2, with 3 + 4 + 6 + 3 bottleneck blocks of doubled inner width.
    ///
    /// # References
    ///
    /// - S. Zagoruyko, N. Komodakis, *Wide Residual Networks*, BMVC 2016.
    pub fn init_wide_resnet50_2(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        self.build(Block::Bottleneck { width: 2 }, input, classes, initializer)
    }

    fn build(
        &self,
        block: Block,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        let mut children = vec![("conv1", conv(input.channels, 64, 7, 2, initializer))];
        children.extend(self.norm.layer("bn1", 64, initializer));
        children.push(("relu", Layer::relu()));
        children.push((
            "maxpool",
            MaxPool2d::new(3).with_stride(2).with_padding(1).into(),
        ));
        let mut channels = 64;
        for (name, width, blocks, stride) in [
            ("layer1", 64, 3, 1),
            ("layer2", 128, 4, 2),
            ("layer3", 256, 6, 2),
            ("layer4", 512, 3, 2),
        ] {
            let stage = (0..blocks).map(|index| {
                let stride = if index == 0 { stride } else { 1 };
                self.block(block, &mut channels, width, stride, initializer)
            });
            children.push((name, Sequence::numbered(stage).into()));
        }
        children.push(("avgpool", AdaptiveAvgPool2d::new(1).into()));
        children.push(("flatten", Flatten::default().into()));
        let head = Layer::linear(channels, classes, self.last_bias, initializer);
        children.push(("fc", head));
        Sequence::named(children)
    }

    /// A residual connection followed by a ReLU.
    fn block(
        &self,
        block: Block,
        channels: &mut usize,
        width: usize,
        stride: usize,
        initializer: &mut Initializer,
    ) -> Layer {
        let channels_in = *channels;
        let mut branch = Vec::new();
        // (convolution, normalization, channels, kernel, stride)
        let convolutions = match block {
            Block::Basic => vec![
                ("conv1", "bn1", width, 3, stride),
                ("conv2", "bn2", width, 3, 1),
            ],
            Block::Bottleneck { width: factor } => vec![
                ("conv1", "bn1", width * factor, 1, 1),
                ("conv2", "bn2", width * factor, 3, stride),
                ("conv3", "bn3", width * 4, 1, 1),
            ],
        };
        for (index, (name, norm, channels_out, kernel, stride)) in
            convolutions.into_iter().enumerate()
        {
            if index > 0 {
                branch.push(("relu", Layer::relu()));
            }
            branch.push((
                name,
                conv(*channels, channels_out, kernel, stride, initializer),
            ));
            branch.extend(self.norm.layer(norm, channels_out, initializer));
            *channels = channels_out;
        }
        let sum = if stride == 1 && channels_in == *channels {
            Sequence::residual(branch)
        } else {
            let mut shortcut = vec![("0", conv(channels_in, *channels, 1, stride, initializer))];
            shortcut.extend(self.norm.layer("1", *channels, initializer));
            Sequence::residual_with(branch, ("downsample", Sequence::named(shortcut).into()))
        };
        sum.followed_by(Activation::new(Nonlinearity::Relu)).into()
    }
}

/// A convolution without bias and with torchvision's initialization. At stride 1 it preserves the size.
fn conv(
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    stride: usize,
    initializer: &mut Initializer,
) -> Layer {
    Conv2dConfig::new(channels_in, channels_out, kernel)
        .with_stride(stride)
        .with_padding(kernel / 2)
        .with_bias(false)
        .with_initialization(Initialization::KaimingNormal(Fan::Out))
        .init(initializer)
        .into()
}
