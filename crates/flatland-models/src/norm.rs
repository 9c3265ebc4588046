//! Normalization as an option of a network.

use serde::{Deserialize, Serialize};

use crate::{BatchNorm2dConfig, Initializer, Layer};

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Nothing.
    None,
    /// Batch normalization.
    Batch,
}

impl Norm {
    /// The normalization under its name in a network, if there is one.
    pub(crate) fn layer<'a>(
        self,
        name: &'a str,
        channels: usize,
        initializer: &mut Initializer,
    ) -> Option<(&'a str, Layer)> {
        match self {
            Self::None => None,
            Self::Batch => Some((
                name,
                BatchNorm2dConfig::new(channels).init(initializer).into(),
            )),
        }
    }
}
