//! The checksums of known files.

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::{Dataset, Split};

/// The origin of a file, determined by its checksum.
///
/// The official checksums are the MD5 sums that torchvision checks: of the files of MNIST, Fashion-MNIST (both
/// compressed) and SVHN. For CIFAR-10, CIFAR-100 and EMNIST, only sums of whole archives are published, and for no data
/// set are there sums of files that were decompressed or compressed again. For these files, the size distinguishes a
/// complete file from a subset, but not an intact file from an altered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumState {
    /// A file of the official release.
    Official,
    /// A file of the class-balanced subset on which this project is tested. The subset of Fashion-MNIST is built in.
    Subset,
    /// The checksum is unknown, or no official sum is published.
    Unknown {
        /// Whether the decompressed file is as long as the official one. Always `false` for SVHN, whose sums are
        /// published.
        official_size: bool,
    },
}

impl fmt::Display for ChecksumState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Official => "official",
            Self::Subset => "subset",
            Self::Unknown {
                official_size: true,
            } => "unknown (official size)",
            Self::Unknown {
                official_size: false,
            } => "unknown",
        })
    }
}

/// The checksums of a file, in hexadecimal.
pub(crate) struct Sums {
    pub sha256: String,
    md5: String,
}

impl Sums {
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: hexadecimal(&Sha256::digest(bytes)),
            md5: hexadecimal(&Md5::digest(bytes)),
        }
    }

    /// The origin of the file `name` of a data set, which has `unpacked` bytes when decompressed.
    ///
    /// A sum is valid for its own data set and file name alone: the files of MNIST and Fashion-MNIST have the same
    /// names and are easily confused.
    pub fn state(
        &self,
        dataset: Dataset,
        split: Split,
        name: &str,
        unpacked: u64,
    ) -> ChecksumState {
        let path = format!("{}/{name}", dataset.folder());
        if SUBSET_SHA256.contains(&(&path, &self.sha256)) {
            ChecksumState::Subset
        } else if OFFICIAL_MD5.contains(&(&path, &self.md5)) {
            ChecksumState::Official
        } else {
            ChecksumState::Unknown {
                official_size: dataset.official_size(split, name) == Some(unpacked),
            }
        }
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The MD5 sums of official files that torchvision checks.
#[rustfmt::skip]
const OFFICIAL_MD5: [(&str, &str); 10] = [
    ("svhn/train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
    ("svhn/test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
    ("mnist/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    ("mnist/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
    ("mnist/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
    ("mnist/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ("fashion-mnist/train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    ("fashion-mnist/train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
    ("fashion-mnist/t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
    ("fashion-mnist/t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
];

/// The SHA-256 sums of the subsets on which this project is tested.
#[rustfmt::skip]
const SUBSET_SHA256: [(&str, &str); 22] = [
    ("cifar-10-batches-bin/data_batch_1.bin", "1ff0110381d2759c8901bfe790eea6b466fb4c77e96d617830409d1513354ba2"),
    ("cifar-10-batches-bin/data_batch_2.bin", "cd0938bc4117259fd440c06677e085f5161d9531b200766d27ea8d7d7bbc539f"),
    ("cifar-10-batches-bin/data_batch_3.bin", "ceb259e92b4d370485d7a39714b773e4835274b315b510aa2bb1f4e8af5f18ee"),
    ("cifar-10-batches-bin/data_batch_4.bin", "27c49a2b3b469ea6e929f196c73d2596ad5bc72ef9ee3aa59cc5e56804808d8c"),
    ("cifar-10-batches-bin/data_batch_5.bin", "1b635026b6812c0ef297efab13824b2cdb4044d0af3442f56eb56ceeaaa0f75c"),
    ("cifar-10-batches-bin/test_batch.bin", "b5d1e0da1dfedd94292b2ffbfd29f2bb459f15391048768a455bdafeb204ef72"),
    ("cifar-100-binary/test.bin", "f562c405471be80541b02a7498a98f67d8c4d6a4449f6b62f4c16d744a7c8cdd"),
    ("cifar-100-binary/train.bin", "9646324e975e9afe65d6e79497d47d07f395f5d586d6fa64f03855161ac0884e"),
    ("emnist/emnist-letters-test-images-idx3-ubyte.gz", "551ae85cc15e071b95578d2940c2e8647bb94284f1ce3097dfeabe3c0c1af426"),
    ("emnist/emnist-letters-test-labels-idx1-ubyte.gz", "1ecc908447631677a23c3c11454c4bc212d709f9daaf77abdf30f26cbc4b4ecc"),
    ("emnist/emnist-letters-train-images-idx3-ubyte.gz", "7a03121344d40b7d96bbc92a2b60beac96cba36ddb711e1a4ff35ed8ce6de1e4"),
    ("emnist/emnist-letters-train-labels-idx1-ubyte.gz", "f877e7cc7d434c4eca2a6fddabc0a05d612362b9197e38eaa0c0149e13cd7fce"),
    ("fashion-mnist/t10k-images-idx3-ubyte.gz", "b27e91f9ce7e5757da515284b7bbc7076aa278901e719f9c7fcee031ffd930d5"),
    ("fashion-mnist/t10k-labels-idx1-ubyte.gz", "8695a746ae48e3758cc10f5b76770322e91bf1e597167fcbd8a326432636cd08"),
    ("fashion-mnist/train-images-idx3-ubyte.gz", "5c92ef0534298da96342bcf33eeddda274f54fed756595c02b4c2cd3446cd639"),
    ("fashion-mnist/train-labels-idx1-ubyte.gz", "42f3ddd8eb743f25a319c68ba35acb4a60419b7659c5831d21144005febf30c0"),
    ("mnist/t10k-images-idx3-ubyte.gz", "74533fb890e3bad361d9e017c363d263b51060a0d3ccccd54740633cf2918c31"),
    ("mnist/t10k-labels-idx1-ubyte.gz", "8a97eeec2499289d406fd55fec117adc391bee47c640be5bf30c340a8de72fa5"),
    ("mnist/train-images-idx3-ubyte.gz", "23f5be303279ae0409915f4d4ab600e69c8aefdedfc4282e8f04bba62c68acb2"),
    ("mnist/train-labels-idx1-ubyte.gz", "42f3ddd8eb743f25a319c68ba35acb4a60419b7659c5831d21144005febf30c0"),
    ("svhn/test_32x32.mat", "8918caecb6a996e40c68d883a25037ac6d13b08d4dd238705c85e16e6251fffd"),
    ("svhn/train_32x32.mat", "5cb711a44aedb112f545ff67e2007b05cd70251dc907548e637146900893ebc4"),
];

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[u8] =
        include_bytes!("../../../datasets/fashion-mnist/train-labels-idx1-ubyte.gz");

    fn state_as(dataset: Dataset, name: &str, bytes: &[u8], unpacked: u64) -> ChecksumState {
        Sums::of(bytes).state(dataset, Split::Train, name, unpacked)
    }

    #[test]
    fn a_file_is_known_under_its_own_name_only() {
        let name = "train-labels-idx1-ubyte.gz";
        let as_named = |dataset, name| state_as(dataset, name, LABELS, 5008);
        let unknown = ChecksumState::Unknown {
            official_size: false,
        };
        assert_eq!(as_named(Dataset::FashionMnist, name), ChecksumState::Subset);
        assert_eq!(as_named(Dataset::Emnist, name), unknown);
        assert_eq!(
            as_named(Dataset::FashionMnist, "t10k-labels-idx1-ubyte.gz"),
            unknown
        );
        assert_eq!(
            state_as(Dataset::FashionMnist, name, &LABELS[1..], 5008),
            unknown
        );
    }

    #[test]
    fn the_official_size_is_that_of_the_unpacked_file() {
        for (dataset, name, size) in [
            (Dataset::Cifar10, "data_batch_3.bin", 30_730_000),
            (Dataset::Cifar100, "train.bin", 153_700_000),
            (
                Dataset::Emnist,
                "emnist-letters-train-images-idx3-ubyte",
                97_843_216,
            ),
            (
                Dataset::Emnist,
                "emnist-letters-train-labels-idx1-ubyte.gz",
                124_808,
            ),
            (Dataset::Mnist, "train-images-idx3-ubyte", 47_040_016),
        ] {
            for (unpacked, official_size) in [(size, true), (size - 1, false)] {
                let state = state_as(dataset, name, b"other bytes", unpacked);
                assert_eq!(state, ChecksumState::Unknown { official_size });
            }
        }
    }

    /// RFC 1321 and FIPS 180-4 give the sums of "abc".
    #[test]
    fn sums_are_written_in_hexadecimal() {
        let sums = Sums::of(b"abc");
        assert_eq!(sums.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(
            sums.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
