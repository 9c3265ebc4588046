//! The data sets: names, shapes, files and normalization.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use thiserror::Error;

/// A data set. It is parsed from its [`name`](Self::name).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownDataset, parse_err_fn = unknown_name)]
pub enum Dataset {
    /// CIFAR-10 (Krizhevsky 2009), colour photographs in 10 classes.
    Cifar10,
    /// CIFAR-100 (Krizhevsky 2009), colour photographs in 100 classes.
    Cifar100,
    /// Street View House Numbers, cropped digits (Netzer et al. 2011).
    Svhn,
    /// EMNIST letters (Cohen et al. 2017), handwritten letters of either case.
    Emnist,
    /// MNIST (LeCun et al. 1998), handwritten digits.
    Mnist,
    /// Fashion-MNIST (Xiao et al. 2017), grey images of clothes. A class-balanced subset of 5,000 training and 2,000
    /// test images is built in. Results on the subset are not results on the official split.
    FashionMnist,
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The training samples.
    Train,
    /// The test samples.
    Test,
}

/// The mean and the standard deviation of a channel, for pixels scaled to `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelNorm {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
}

impl Dataset {
    /// All data sets.
    pub const ALL: [Self; 6] = [
        Self::Cifar10,
        Self::Cifar100,
        Self::Svhn,
        Self::Emnist,
        Self::Mnist,
        Self::FashionMnist,
    ];

    /// The name in configurations and records.
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(crate) fn names() -> &'static [&'static str] {
        Self::VARIANTS
    }

    /// The number of classes.
    pub fn classes(self) -> usize {
        match self {
            Self::Cifar100 => 100,
            Self::Emnist => 26,
            _ => 10,
        }
    }

    /// The number of channels.
    pub fn channels(self) -> usize {
        match self {
            Self::Cifar10 | Self::Cifar100 | Self::Svhn => 3,
            Self::Emnist | Self::Mnist | Self::FashionMnist => 1,
        }
    }

    /// The height and the width of an image, in pixels.
    pub fn image_size(self) -> [usize; 2] {
        match self {
            Self::Cifar10 | Self::Cifar100 | Self::Svhn => [32, 32],
            Self::Emnist | Self::Mnist | Self::FashionMnist => [28, 28],
        }
    }

    /// The channels, the height and the width of an image.
    pub fn image_shape(self) -> [usize; 3] {
        let [height, width] = self.image_size();
        [self.channels(), height, width]
    }

    /// The number of samples in the official release.
    pub fn official_samples(self, split: Split) -> usize {
        match (self, split) {
            (Self::Cifar10 | Self::Cifar100, Split::Train) => 50_000,
            (Self::Svhn, Split::Train) => 73_257,
            (Self::Svhn, Split::Test) => 26_032,
            (Self::Emnist, Split::Train) => 124_800,
            (Self::Emnist, Split::Test) => 20_800,
            (Self::Mnist | Self::FashionMnist, Split::Train) => 60_000,
            (_, Split::Test) => 10_000,
        }
    }

    /// The size of a decompressed file of the official release, in bytes. `None` for SVHN, which is compressed inside.
    pub(crate) fn official_size(self, split: Split, name: &str) -> Option<u64> {
        let samples = self.official_samples(split) as u64;
        match self {
            Self::Cifar10 => Some(10_000 * (1 + 3072)),
            Self::Cifar100 => Some(samples * (2 + 3072)),
            Self::Svhn => None,
            _ if name.contains("images") => Some(16 + samples * 28 * 28),
            _ => Some(8 + samples),
        }
    }

    /// Whether the files have the IDX format and may be compressed.
    pub(crate) fn is_idx(self) -> bool {
        matches!(self, Self::Emnist | Self::Mnist | Self::FashionMnist)
    }

    /// The subfolder of the data folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Cifar10 => "cifar-10-batches-bin",
            Self::Cifar100 => "cifar-100-binary",
            _ => self.name(),
        }
    }

    /// The files of a split, in [`folder`](Self::folder). IDX files may also be uncompressed, without `.gz`.
    pub fn files(self, split: Split) -> &'static [&'static str] {
        match (self, split) {
            (Self::Cifar10, Split::Train) => &[
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
            ],
            (Self::Cifar10, Split::Test) => &["test_batch.bin"],
            (Self::Cifar100, Split::Train) => &["train.bin"],
            (Self::Cifar100, Split::Test) => &["test.bin"],
            (Self::Svhn, Split::Train) => &["train_32x32.mat"],
            (Self::Svhn, Split::Test) => &["test_32x32.mat"],
            (Self::Emnist, Split::Train) => &[
                "emnist-letters-train-images-idx3-ubyte.gz",
                "emnist-letters-train-labels-idx1-ubyte.gz",
            ],
            (Self::Emnist, Split::Test) => &[
                "emnist-letters-test-images-idx3-ubyte.gz",
                "emnist-letters-test-labels-idx1-ubyte.gz",
            ],
            (Self::Mnist | Self::FashionMnist, Split::Train) => {
                &["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
            }
            (Self::Mnist | Self::FashionMnist, Split::Test) => {
                &["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
            }
        }
    }

    /// The mean and the standard deviation of each channel over the official training set, for pixels scaled to
    /// `[0, 1]`.
    ///
    /// The constants of CIFAR-10, CIFAR-100, SVHN and EMNIST letters are those of the paper's experiments (Galli et
    /// al., arXiv 2606.06722). The paper uses neither MNIST nor Fashion-MNIST. The constants of MNIST are those of
    /// PyTorch's MNIST example. The constants of Fashion-MNIST were computed from its official training images (0.28604
    /// and 0.35302) and rounded.
    pub fn normalization(self) -> &'static [ChannelNorm] {
        const fn channel(mean: f64, std: f64) -> ChannelNorm {
            ChannelNorm { mean, std }
        }
        const CIFAR10: [ChannelNorm; 3] = [
            channel(0.4914, 0.2470),
            channel(0.4822, 0.2435),
            channel(0.4465, 0.2616),
        ];
        const CIFAR100: [ChannelNorm; 3] = [
            channel(0.5071, 0.2675),
            channel(0.4867, 0.2565),
            channel(0.4408, 0.2761),
        ];
        const SVHN: [ChannelNorm; 3] = [
            channel(0.4377, 0.1980),
            channel(0.4438, 0.2010),
            channel(0.4728, 0.1970),
        ];
        match self {
            Self::Cifar10 => &CIFAR10,
            Self::Cifar100 => &CIFAR100,
            Self::Svhn => &SVHN,
            Self::Emnist => const { &[channel(0.1722, 0.3309)] },
            Self::Mnist => const { &[channel(0.1307, 0.3081)] },
            Self::FashionMnist => const { &[channel(0.2860, 0.3530)] },
        }
    }
}

/// A name that no data set has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no data set {name:?}; the data sets are {}", Dataset::names().join(", "))]
pub struct UnknownDataset {
    /// The name.
    pub name: String,
}

fn unknown_name(name: &str) -> UnknownDataset {
    UnknownDataset {
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error as ValueError, StrDeserializer};

    use super::*;

    #[test]
    fn names_are_read_back_and_others_refused_with_the_list() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.name().parse::<Dataset>().unwrap(), dataset);
            assert_eq!(format!("{dataset:>14}"), format!("{:>14}", dataset.name()));
            let name: StrDeserializer<'_, ValueError> = dataset.name().into_deserializer();
            assert_eq!(Dataset::deserialize(name).unwrap(), dataset);
        }
        assert_eq!(Dataset::names(), Dataset::ALL.map(Dataset::name));
        let message = "cifar".parse::<Dataset>().unwrap_err().to_string();
        assert!(
            message.contains("\"cifar\"") && message.contains("cifar10, cifar100"),
            "{message}"
        );
    }

    #[test]
    fn every_channel_has_a_norm() {
        for dataset in Dataset::ALL {
            assert_eq!(dataset.normalization().len(), dataset.image_shape()[0]);
        }
    }
}
