//! What is wrong with the options of a network.

use thiserror::Error;

use crate::InputShape;

/// Invalid options of a network.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ArchitectureError {
    /// No network has this name.
    #[error("there is no network {name:?}; the networks are {}", known.join(", "))]
    UnknownName {
        /// The name.
        name: String,
        /// The names of all networks.
        known: &'static [&'static str],
    },
    /// A width is zero.
    #[error("{option} must be at least 1, but is {value:?}")]
    ZeroWidth {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: Vec<usize>,
    },
    /// A size is above its limit.
    #[error("{option} must be at most {most}, but is {value}")]
    TooLarge {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The largest value.
        most: usize,
    },
    /// The images are too small for the pooling layers.
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
    /// A rate is outside `[0, 1)`.
    #[error("{option} must be in [0, 1), but is {value}")]
    Rate {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: f64,
    },
    /// A number is not a multiple, or is too small.
    #[error("{option} must be a multiple of {multiple}, at least {least}, but is {value}")]
    Multiple {
        /// The option's name.
        option: &'static str,
        /// Its value.
        value: usize,
        /// The divisor of allowed values.
        multiple: usize,
        /// The smallest allowed value.
        least: usize,
    },
    /// The patches do not tile the images.
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

/// The largest number of features or channels. With this limit and the next, the layout of a checked network is
/// computed quickly and the size of its parameters fits into 64 bits.
pub(crate) const MOST_FEATURES: usize = 100_000;
/// The largest number of layers, blocks, heads, or features of a head.
pub(crate) const MOST_LAYERS: usize = 1000;

impl ArchitectureError {
    /// Checks that all values of an option are from 1 to `most`.
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

    /// Checks that the height and the width of an image are at least `least`.
    pub(crate) fn check_image(input: InputShape, least: usize) -> Result<(), Self> {
        let InputShape { height, width, .. } = input;
        if height.min(width) >= least {
            Ok(())
        } else {
            Err(Self::ImageTooSmall {
                least,
                height,
                width,
            })
        }
    }

    /// Checks that a rate is in `[0, 1)`.
    pub(crate) fn check_rate(option: &'static str, value: f64) -> Result<(), Self> {
        if (0.0..1.0).contains(&value) {
            Ok(())
        } else {
            Err(Self::Rate { option, value })
        }
    }
}
