//! From a folder to checked samples.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::checksums::{ChecksumState, Sums};
use crate::formats::{self, Orientation};
use crate::{DataError, Dataset, Samples, Split};

/// A data set, checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The samples to train on, in the order of the files.
    pub train: Samples,
    /// The samples held back, in the order of the files.
    pub test: Samples,
    /// The files that they came from: those of the training set, then those of the test set.
    pub files: Vec<SourceFile>,
}

/// A file that samples came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies.
    pub location: Location,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 sum, in hexadecimal.
    pub sha256: String,
    /// What is known of it by its sums.
    pub state: ChecksumState,
}

/// Where a file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the file system.
    Path(PathBuf),
    /// In the program, under this name.
    Embedded(&'static str),
}

impl Loaded {
    /// What holds of every file. Files of different origin together are unknown.
    pub fn state(&self) -> ChecksumState {
        let all = |holds: fn(ChecksumState) -> bool| self.files.iter().all(|f| holds(f.state));
        if all(|state| state == ChecksumState::Official) {
            ChecksumState::Official
        } else if all(|state| state == ChecksumState::Subset) {
            ChecksumState::Subset
        } else {
            ChecksumState::Unknown {
                official_size: all(|state| match state {
                    ChecksumState::Official => true,
                    ChecksumState::Subset => false,
                    ChecksumState::Unknown { official_size } => official_size,
                }),
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Embedded(name) => write!(f, "built-in {name}"),
        }
    }
}

macro_rules! embedded {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../../datasets/fashion-mnist/", $name)),
        )
    };
}

/// The subset of Fashion-MNIST that ships: 500 training and 200 test images of each class.
const EMBEDDED: [(&str, &[u8]); 4] = [
    embedded!("train-images-idx3-ubyte.gz"),
    embedded!("train-labels-idx1-ubyte.gz"),
    embedded!("t10k-images-idx3-ubyte.gz"),
    embedded!("t10k-labels-idx1-ubyte.gz"),
];

/// Reads a data set from its [`folder`](Dataset::folder) under `folder`, whole and checked.
///
/// A subset in the official format is read as well as the official release. An IDX file may lie there with or without
/// `.gz`; where both do, the one with it is read.
///
/// Fashion-MNIST comes from the program itself where none of its files is there. That is a subset: 5,000 training and
/// 2,000 test images, as many of each class. Built-in files and others are never mixed.
///
/// # Errors
///
/// [`DataError::Missing`] naming all files that are not there, else what is wrong with the first file that is not what
/// it should be.
pub fn load(dataset: Dataset, folder: &Path) -> Result<Loaded, DataError> {
    let sources = locate(dataset, &folder.join(dataset.folder()))?;
    let (train, test) = sources.split_at(dataset.files(Split::Train).len());
    let mut files = Vec::new();
    let train = read_split(dataset, Split::Train, train, &mut files)?;
    let test = read_split(dataset, Split::Test, test, &mut files)?;
    Ok(Loaded { train, test, files })
}

/// Where the files lie: those of the training set, then those of the test set.
fn locate(dataset: Dataset, folder: &Path) -> Result<Vec<Location>, DataError> {
    let names = [Split::Train, Split::Test]
        .map(|split| dataset.files(split))
        .concat();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for &name in &names {
        match existing(folder, name)? {
            Some(path) => found.push(Location::Path(path)),
            None => missing.push(name),
        }
    }
    if missing.is_empty() {
        Ok(found)
    } else if found.is_empty() && dataset == Dataset::FashionMnist {
        Ok(names.into_iter().map(Location::Embedded).collect())
    } else {
        Err(DataError::Missing {
            dataset,
            folder: folder.to_owned(),
            files: missing,
        })
    }
}

/// The path of a file under its name or, for one that may be compressed, without `.gz`.
fn existing(folder: &Path, name: &str) -> Result<Option<PathBuf>, DataError> {
    for name in [Some(name), name.strip_suffix(".gz")].into_iter().flatten() {
        let path = folder.join(name);
        if path
            .try_exists()
            .map_err(|error| unreadable(&path, error))?
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    DataError::Read {
        file: path.display().to_string(),
        source,
    }
}

/// More bytes than any file of these data sets has, packed or not: SVHN's training images, unpacked, have 225 million.
const MOST_BYTES: u64 = 400_000_000;

/// The name and the bytes of a file.
fn read(location: &Location) -> Result<(Cow<'_, str>, Cow<'static, [u8]>), DataError> {
    match location {
        Location::Path(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let mut bytes = Vec::new();
            (File::open(path))
                .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
                .map_err(|error| unreadable(path, error))?;
            if bytes.len() as u64 > MOST_BYTES {
                return Err(DataError::TooLarge {
                    file: path.display().to_string(),
                    limit: MOST_BYTES,
                });
            }
            Ok((name, bytes.into()))
        }
        Location::Embedded(name) => {
            let (name, bytes) = (EMBEDDED.iter().find(|(embedded, _)| embedded == name))
                .expect("every file of Fashion-MNIST is embedded");
            Ok(((*name).into(), (*bytes).into()))
        }
    }
}

/// Reads the files of a split, and notes in `files` what they are.
fn read_split(
    dataset: Dataset,
    split: Split,
    sources: &[Location],
    files: &mut Vec<SourceFile>,
) -> Result<Samples, DataError> {
    let mut contents = Vec::new();
    for location in sources {
        let (name, stored) = read(location)?;
        let (bytes, sums) = (stored.len() as u64, Sums::of(&stored));
        let file = location.to_string();
        let content = match dataset.is_idx() {
            true => formats::decompressed(&file, stored)?,
            false => stored,
        };
        files.push(SourceFile {
            location: location.clone(),
            bytes,
            state: sums.state(dataset, split, &name, content.len() as u64),
            sha256: sums.sha256,
        });
        contents.push((file, content));
    }
    match (dataset, contents.as_slice()) {
        (Dataset::Cifar10, batches) => {
            let batches = (batches.iter()).map(|(file, bytes)| formats::cifar10(file, bytes));
            let batches = batches.collect::<Result<Vec<_>, _>>()?.into_iter();
            Ok(batches.reduce(append).expect("a split has files"))
        }
        (Dataset::Cifar100, [(file, bytes)]) => formats::cifar100(file, bytes),
        (Dataset::Svhn, [(file, bytes)]) => formats::svhn(file, bytes),
        (_, [images, labels]) => idx(dataset, images, labels),
        _ => unreachable!("Dataset::files lists one or two files for these sets"),
    }
}

fn append(mut samples: Samples, more: Samples) -> Samples {
    samples.images.extend(more.images);
    samples.labels.extend(more.labels);
    samples
}

fn idx(
    dataset: Dataset,
    (images_file, images): &(String, Cow<'static, [u8]>),
    (labels_file, labels): &(String, Cow<'static, [u8]>),
) -> Result<Samples, DataError> {
    let (orientation, first) = match dataset {
        Dataset::Emnist => (Orientation::Transposed, 1),
        _ => (Orientation::Upright, 0),
    };
    let [size, _] = dataset.image_size();
    let images = formats::images(images_file, images, size, orientation)?;
    let labels = formats::labels(labels_file, labels, first, dataset.classes())?;
    if images.len() != labels.len() * size * size {
        return Err(DataError::Count {
            images_file: images_file.clone(),
            images: images.len() / (size * size),
            labels_file: labels_file.clone(),
            labels: labels.len(),
        });
    }
    Ok(Samples {
        images,
        labels,
        shape: [1, size, size],
        classes: dataset.classes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_a_set_is_what_holds_of_every_file() {
        const OFFICIAL: ChecksumState = ChecksumState::Official;
        const SUBSET: ChecksumState = ChecksumState::Subset;
        let unknown = |official_size| ChecksumState::Unknown { official_size };
        let data = load(Dataset::FashionMnist, Path::new("no such folder")).unwrap();
        for (states, expected) in [
            ([OFFICIAL, OFFICIAL], OFFICIAL),
            ([SUBSET, SUBSET], SUBSET),
            ([OFFICIAL, SUBSET], unknown(false)),
            ([OFFICIAL, unknown(true)], unknown(true)),
            ([unknown(true), unknown(false)], unknown(false)),
        ] {
            let mut data = data.clone();
            for (place, file) in data.files.iter_mut().enumerate() {
                file.state = states[place % 2];
            }
            assert_eq!(data.state(), expected, "{states:?}");
        }
    }
}
