//! The networks by name.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::{
    ArchitectureError, CnnConfig, DenseNet121Config, Initializer, InputShape, MlpConfig,
    ResNetConfig, Sequence, Vgg11Config, VitConfig,
};

/// A network by name, with its options.
///
/// In a configuration file it is a table whose `name` selects the network and whose other keys are the network's
/// options. The default of an option is the paper's value.
#[derive(
    Debug, Clone, PartialEq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantNames,
)]
#[serde(tag = "name", rename_all = "kebab-case")]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = ArchitectureError,
    parse_err_fn = unknown_name
)]
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
    #[strum(serialize = "wide-resnet50-2")]
    WideResnet50(ResNetConfig),
    /// See [`DenseNet121Config`].
    Densenet121(DenseNet121Config),
    /// See [`VitConfig`].
    Vit(VitConfig),
}

impl Architecture {
    /// The names of all networks.
    pub const NAMES: &[&str] = Self::VARIANTS;

    /// The network called `name`, with the paper's options.
    ///
    /// # Errors
    ///
    /// Returns [`ArchitectureError::UnknownName`] if no network has this name.
    pub fn named(name: &str) -> Result<Self, ArchitectureError> {
        name.parse()
    }

    /// The network's name, one of [`NAMES`](Self::NAMES).
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether the last linear layer has a bias. With mean squared error and `K` classes, this bias has the curvature
    /// `2/K`.
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

    /// The default number of samples in a chunk: enough to use a device well, and few enough that the activations of a
    /// pass need a few hundred megabytes.
    pub fn default_chunk(&self) -> usize {
        match self {
            Self::Mlp(_) => 5000,
            Self::Cnn(_) => 50,
            Self::Vgg11(_) | Self::Resnet34(_) | Self::WideResnet50(_) => 50,
            Self::Vit(_) => 100,
            Self::Densenet121(_) => 100, // a chunk is a ghost batch, whose statistics need more samples
        }
    }

    /// Checks the options of the network for images of this shape.
    ///
    /// # Errors
    ///
    /// Returns an error for the first option that is outside its range.
    pub fn check(&self, input: InputShape) -> Result<(), ArchitectureError> {
        match self {
            Self::Mlp(config) => config.check(),
            Self::Cnn(config) => config.check(input),
            Self::Vgg11(config) => config
                .check()
                .and(ArchitectureError::check_image(input, 28)),
            Self::Densenet121(config) => config
                .check()
                .and(ArchitectureError::check_image(input, 28)),
            Self::Resnet34(_) | Self::WideResnet50(_) => ArchitectureError::check_image(input, 28),
            Self::Vit(config) => config.check(input),
        }
    }

    /// Builds the network and draws its initial weights.
    ///
    /// # Errors
    ///
    /// Returns an error if [`check`](Self::check) does.
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

fn unknown_name(name: &str) -> ArchitectureError {
    ArchitectureError::UnknownName {
        name: name.to_owned(),
        known: Architecture::NAMES,
    }
}
