//! Loading a data set from a folder.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::checksums::{ChecksumState, Sums};
use crate::formats::{self, Orientation};
use crate::{DataError, Dataset, Samples, Split};

/// A data set whose files were checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The training samples, in the order of the files.
    pub train: Samples,
    /// The test samples, in the order of the files.
    pub test: Samples,
    /// The files: those of the training set, then those of the test set.
    pub files: Vec<SourceFile>,
}

/// A file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The location of the file.
    pub location: Location,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// The SHA-256 sum, in hexadecimal.
    pub sha256: String,
    /// The origin of the file.
    pub state: ChecksumState,
}

/// The location of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path in the file system.
    Path(PathBuf),
    /// The name of a built-in file.
    Embedded(&'static str),
}

impl Loaded {
    /// The common origin of all files. It is unknown if the files have different origins.
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

/// The built-in subset of Fashion-MNIST: 500 training and 200 test images of each class.
const EMBEDDED: [(&str, &[u8]); 4] = [
    embedded!("train-images-idx3-ubyte.gz"),
    embedded!("train-labels-idx1-ubyte.gz"),
    embedded!("t10k-images-idx3-ubyte.gz"),
    embedded!("t10k-labels-idx1-ubyte.gz"),
];

/// Reads and checks a data set from its subfolder, [`Dataset::folder`], of `folder`.
///
/// The files may contain a subset of the official release. An IDX file may be compressed or not. If both versions
/// exist, the compressed one is read.
///
/// If no file of Fashion-MNIST exists, the built-in subset is used: 5,000 training and 2,000 test images, balanced
/// between the classes. Built-in files and other files are never mixed.
///
/// # Errors
///
/// Returns [`DataError::Missing`] with all missing files, or the error of the first invalid file.
pub fn load(dataset: Dataset, folder: &Path) -> Result<Loaded, DataError> {
    let sources = locate(dataset, &folder.join(dataset.folder()))?;
    let (train, test) = sources.split_at(dataset.files(Split::Train).len());
    let mut files = Vec::new();
    let train = read_split(dataset, Split::Train, train, &mut files)?;
    let test = read_split(dataset, Split::Test, test, &mut files)?;
    Ok(Loaded { train, test, files })
}

/// The locations of the files: those of the training set, then those of the test set.
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

/// The path of a file, with or without `.gz`. `None` if there is no such file.
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

/// A limit above the size of every file, compressed or not: SVHN's decompressed training images have 225 million bytes.
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

/// Reads the files of a split and appends them to `files`.
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
        let content = if dataset.is_idx() {
            formats::decompressed(&file, stored)?
        } else {
            stored
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
