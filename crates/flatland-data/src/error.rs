//! What can be wrong with data.

use std::path::PathBuf;

use thiserror::Error;

use crate::Dataset;

/// A data set that cannot be used, and what to do about it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set has this name.
    #[error("there is no data set {name:?}; the data sets are {}", Dataset::names().join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
    },
    /// A file is not where it should be.
    #[error(
        "{dataset}: {} is missing; datasets/README.md says where to get it, \
         and `experiments data` lists what is found", file.display()
    )]
    Missing {
        /// The data set.
        dataset: Dataset,
        /// The file looked for.
        file: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A web page was saved in place of the file.
    #[error(
        "{file} is a web page, not data: the download was refused or redirected; fetch the file itself again"
    )]
    WebPage {
        /// The file.
        file: String,
    },
    /// Compressed data that does not unpack.
    #[error("{file} does not decompress: {reason}; fetch it again")]
    Compression {
        /// The file.
        file: String,
        /// What the decompressor said.
        reason: String,
    },
    /// The first bytes are not those of the format.
    #[error("{file} should start with {expected}, but starts with {found}")]
    Magic {
        /// The file.
        file: String,
        /// The format's first bytes.
        expected: String,
        /// The file's first bytes.
        found: String,
    },
    /// The number of bytes is not what the format or the header says.
    #[error("{file} should hold {expected}, but holds {found} bytes; fetch it again")]
    Size {
        /// The file.
        file: String,
        /// The size expected, in words.
        expected: String,
        /// The size found.
        found: u64,
    },
    /// The header announces something that this data set does not have.
    #[error("{file}: {what} should be {expected}, but is {found}")]
    Header {
        /// The file.
        file: String,
        /// The part of the header.
        what: String,
        /// What is allowed.
        expected: String,
        /// What it says.
        found: String,
    },
    /// A label that is no class of the data set.
    #[error("{file}: the label of sample {index} should be in {allowed}, but is {found}")]
    Label {
        /// The file.
        file: String,
        /// The sample, from 0.
        index: usize,
        /// The labels there are.
        allowed: String,
        /// The label found.
        found: String,
    },
    /// Images and labels do not pair up.
    #[error("{images_file} holds {images} images, but {labels_file} holds {labels} labels")]
    Count {
        /// The file of images.
        images_file: String,
        /// The number of images.
        images: usize,
        /// The file of labels.
        labels_file: String,
        /// The number of labels.
        labels: usize,
    },
    /// A subset so small that a class would be left out.
    #[error(
        "a stratified subset of {samples} of {available} samples leaves none of class {class} \
         (of which there are {class_size}); ask for at least {least} samples"
    )]
    SubsetTooSmall {
        /// Samples asked for.
        samples: usize,
        /// Samples there are.
        available: usize,
        /// A class without a sample in the subset.
        class: usize,
        /// The class's size in the whole set.
        class_size: usize,
        /// The least number that leaves no class out.
        least: usize,
    },
}
