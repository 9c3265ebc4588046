//! The normalization of a network, as an option.

use serde::{Deserialize, Serialize};

use crate::{BatchNorm2dConfig, Initializer, Layer};

/// The normalization after a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// No normalization.
    None,
    /// Batch normalization.
    Batch,
}

impl Norm {
    /// The normalization layer with its name. `None` without normalization.
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
