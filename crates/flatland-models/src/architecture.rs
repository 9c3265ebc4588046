//! The networks by name.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    CnnConfig, DenseNet121Config, Initializer, MlpConfig, ResNetConfig, Sequence, Vgg11Config,
    VitConfig,
};

/// The shape of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputShape {
    /// Colours: 1 or 3 in the data sets of the paper.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

/// A network by name, with its options.
///
/// In a configuration file it is a table whose `name` chooses the network and whose other keys are the options of
/// that network; an option that is left out takes the paper's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Architecture {
    /// See [`MlpConfig`].
    Mlp(MlpConfig),
    /// See [`CnnConfig`].
    Cnn(CnnConfig),
    /// See [`Vgg11Config`].
    Vgg11(Vgg11Config),
    /// See [`ResNetConfig::init_resnet34`].
    Resnet34(ResNetConfig),
    /// See [`ResNetConfig::init_wide_resnet50_2`].
    #[serde(rename = "wide-resnet50-2")]
    WideResnet50(ResNetConfig),
    /// See [`DenseNet121Config`].
    Densenet121(DenseNet121Config),
    /// See [`VitConfig`].
    Vit(VitConfig),
}

impl Architecture {
    /// The names that a configuration may use.
    pub const NAMES: [&str; 7] = [
        "mlp",
        "cnn",
        "vgg11",
        "resnet34",
        "wide-resnet50-2",
        "densenet121",
        "vit",
    ];

    /// The network called `name`, with the options of the paper.
    ///
    /// # Errors
    ///
    /// [`ArchitectureError::UnknownName`] lists the names there are.
    pub fn named(name: &str) -> Result<Self, ArchitectureError> {
        match name {
            "mlp" => Ok(Self::Mlp(MlpConfig::default())),
            "cnn" => Ok(Self::Cnn(CnnConfig::default())),
            "vgg11" => Ok(Self::Vgg11(Vgg11Config::default())),
            "resnet34" => Ok(Self::Resnet34(ResNetConfig::default())),
            "wide-resnet50-2" => Ok(Self::WideResnet50(ResNetConfig::default())),
            "densenet121" => Ok(Self::Densenet121(DenseNet121Config::default())),
            "vit" => Ok(Self::Vit(VitConfig::default())),
            _ => Err(ArchitectureError::UnknownName {
                name: name.to_owned(),
            }),
        }
    }

    /// The network's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mlp(_) => "mlp",
            Self::Cnn(_) => "cnn",
            Self::Vgg11(_) => "vgg11",
            Self::Resnet34(_) => "resnet34",
            Self::WideResnet50(_) => "wide-resnet50-2",
            Self::Densenet121(_) => "densenet121",
            Self::Vit(_) => "vit",
        }
    }

    /// Whether the last linear layer has a bias, to which mean squared error gives the curvature `2/K`.
    pub fn has_last_bias(&self) -> bool {
        match self {
            Self::Mlp(config) => config.bias,
            Self::Cnn(config) => config.bias,
            Self::Vgg11(config) => config.last_bias,
            Self::Resnet34(config) | Self::WideResnet50(config) => config.last_bias,
            Self::Densenet121(config) => config.last_bias,
            Self::Vit(config) => config.last_bias,
        }
    }

    /// Samples that go through the network together unless a run says otherwise: enough to keep a device busy, few
    /// enough that the activations of a taped pass stay in a few hundred megabytes.
    pub fn default_chunk(&self) -> usize {
        match self {
            Self::Mlp(_) => 5000,
            Self::Cnn(_) => 50,
            Self::Vgg11(_) | Self::Resnet34(_) | Self::WideResnet50(_) => 50,
            Self::Vit(_) => 100,
            Self::Densenet121(_) => 100, // a ghost batch: its statistics want more samples
        }
    }

    /// Whether the options make a network for images of this shape.
    ///
    /// # Errors
    ///
    /// The first option that does not, with its value and what is allowed.
    pub fn check(&self, input: InputShape) -> Result<(), ArchitectureError> {
        match self {
            Self::Mlp(config) => config.check(),
            Self::Cnn(config) => config.check(input),
            Self::Vgg11(config) => config.check().and(at_least_28(input)),
            Self::Densenet121(config) => config.check().and(at_least_28(input)),
            Self::Resnet34(_) | Self::WideResnet50(_) => at_least_28(input),
            Self::Vit(config) => config.check(input),
        }
    }

    /// Builds the network and draws its initial weights.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn init(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Result<Sequence, ArchitectureError> {
        self.check(input)?;
        Ok(match self {
            Self::Mlp(config) => config.init(input, classes, initializer),
            Self::Cnn(config) => config.init(input, classes, initializer),
            Self::Vgg11(config) => config.init(input, classes, initializer),
            Self::Resnet34(config) => config.init_resnet34(input, classes, initializer),
            Self::WideResnet50(config) => config.init_wide_resnet50_2(input, classes, initializer),
            Self::Densenet121(config) => config.init(input, classes, initializer),
            Self::Vit(config) => config.init(input, classes, initializer),
        })
    }
}

fn at_least_28(input: InputShape) -> Result<(), ArchitectureError> {
    let InputShape { height, width, .. } = input;
    match height.min(width) {
        28.. => Ok(()),
        _ => Err(ArchitectureError::ImageTooSmall {
            least: 28,
            height,
            width,
        }),
    }
}

/// Options that make no network.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ArchitectureError {
    /// No network has this name.
    #[error("there is no network {name:?}; the networks are {}", Architecture::NAMES.join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
    },
    /// A width is zero.
    #[error("{option} must be at least 1, but is {value:?}")]
    ZeroWidth {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: Vec<usize>,
    },
    /// More than any machine holds.
    #[error("{option} must be at most {most}, but is {value}")]
    TooLarge {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The largest value.
        most: usize,
    },
    /// The images vanish in the pooling layers.
    #[error(
        "this network needs images of at least {least}×{least} pixels, but they are {height}×{width}"
    )]
    ImageTooSmall {
        /// The least height and width.
        least: usize,
        /// The images' height.
        height: usize,
        /// The images' width.
        width: usize,
    },
    /// A share is not one.
    #[error("{option} must be in [0, 1), but is {value}")]
    Rate {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// A number that others must divide.
    #[error("{option} must be a multiple of {multiple}, at least {least}, but is {value}")]
    Multiple {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: usize,
        /// What divides the values that are allowed.
        multiple: usize,
        /// The smallest of them.
        least: usize,
    },
    /// Patches that do not tile the images.
    #[error(
        "patch must divide the images' height and width, but is {patch}, and they are {height}×{width}"
    )]
    Patch {
        /// The patch size.
        patch: usize,
        /// The images' height.
        height: usize,
        /// The images' width.
        width: usize,
    },
}

/// The largest number of features or channels. With it and the next, a network whose options are checked is described in
/// a moment, and the bytes of its parameters are fewer than an integer of 64 bits counts.
pub(crate) const MOST_FEATURES: usize = 100_000;
/// The largest number of layers, blocks, heads, or features of a head.
pub(crate) const MOST_LAYERS: usize = 1000;

impl ArchitectureError {
    /// Whether all values of an option are from 1 to `most`.
    pub(crate) fn check_sizes(
        option: &'static str,
        values: &[usize],
        most: usize,
    ) -> Result<(), Self> {
        if values.contains(&0) {
            return Err(Self::ZeroWidth {
                option,
                value: values.to_vec(),
            });
        }
        match values.iter().find(|&&value| value > most) {
            Some(&value) => Err(Self::TooLarge {
                option,
                value,
                most,
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn check_rate(option: &'static str, value: f64) -> Result<(), Self> {
        if (0.0..1.0).contains(&value) {
            Ok(())
        } else {
            Err(Self::Rate { option, value })
        }
    }
}
