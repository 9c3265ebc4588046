//! From a folder to checked samples.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::checksums::{self, ChecksumState};
use crate::formats::{self, Orientation};
use crate::{DataError, Dataset, Samples, Split};

/// A data set, checked.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The samples to train on, in the order of the files.
    pub train: Samples,
    /// The samples held back, in the order of the files.
    pub test: Samples,
    /// The files that they came from.
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
    /// What is known of that sum.
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

/// Reads a data set from its folder under `folder`, whole. Fashion-MNIST comes from the program itself where there is
/// no such folder.
///
/// # Errors
///
/// The first file that is missing or is not what it should be.
pub fn load(dataset: Dataset, folder: &Path) -> Result<Loaded, DataError> {
    let mut files = Vec::new();
    let train = read_split(dataset, Split::Train, folder, &mut files)?;
    let test = read_split(dataset, Split::Test, folder, &mut files)?;
    Ok(Loaded { train, test, files })
}

fn read_split(
    dataset: Dataset,
    split: Split,
    folder: &Path,
    files: &mut Vec<SourceFile>,
) -> Result<Samples, DataError> {
    let contents = (dataset.files(split).iter())
        .map(|name| {
            let (location, bytes) = find(dataset, name, folder)?;
            let sha256 = checksums::sha256(&bytes);
            files.push(SourceFile {
                location: location.clone(),
                bytes: bytes.len() as u64,
                state: checksums::state(&bytes, &sha256),
                sha256,
            });
            Ok((location.to_string(), bytes))
        })
        .collect::<Result<Vec<_>, DataError>>()?;
    match (dataset, contents.as_slice()) {
        (Dataset::Cifar10, batches) => {
            let batches = batches
                .iter()
                .map(|(file, bytes)| formats::cifar10(file, bytes));
            Ok(batches
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .reduce(append)
                .expect("files"))
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
    let images = formats::decompressed(images_file, images)?;
    let images = formats::images(images_file, &images, size, orientation)?;
    let labels = formats::decompressed(labels_file, labels)?;
    let labels = formats::labels(labels_file, &labels, first, dataset.classes())?;
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

/// A file of a data set: under its name, without `.gz`, or built in.
fn find(
    dataset: Dataset,
    name: &'static str,
    folder: &Path,
) -> Result<(Location, Cow<'static, [u8]>), DataError> {
    let folder = folder.join(dataset.folder());
    let candidates = [Some(name), name.strip_suffix(".gz")];
    for path in candidates
        .into_iter()
        .flatten()
        .map(|name| folder.join(name))
    {
        match std::fs::read(&path) {
            Ok(bytes) => return Ok((Location::Path(path), bytes.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(DataError::Read {
                    file: path.display().to_string(),
                    source,
                });
            }
        }
    }
    if dataset == Dataset::FashionMnist && !folder.exists() {
        let (name, bytes) = (EMBEDDED.iter().find(|(embedded, _)| *embedded == name))
            .expect("every file of Fashion-MNIST is embedded");
        return Ok((Location::Embedded(name), Cow::Borrowed(bytes)));
    }
    Err(DataError::Missing {
        dataset,
        file: folder.join(name),
    })
}
