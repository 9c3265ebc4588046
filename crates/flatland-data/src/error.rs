//! What can be wrong with data.

use std::path::PathBuf;

use thiserror::Error;

use crate::Dataset;

/// A data set that cannot be used, and what to do about it.
///
/// A `file` is the path of a file, `built-in` and the name of one in the program, or `X in` and the path for a variable
/// of a MATLAB file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set has this name.
    #[error("there is no data set {name:?}; the data sets are {}", Dataset::names().join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
    },
    /// Files are not where they should be.
    #[error(
        "{dataset}: {}; datasets/README.md says where to get it, and `experiments data` lists what is found",
        missing(folder, files)
    )]
    Missing {
        /// The data set.
        dataset: Dataset,
        /// The folder looked into.
        folder: PathBuf,
        /// The names that are not there, one or more.
        files: Vec<&'static str>,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {source}; it should be a file that you may read")]
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
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is longer than any of the data set, or unpacks to more. No more than the limit was read.
    #[error(
        "{file} should have at most {limit} bytes, unpacked, but goes on after them; \
         it is no file of this data set: see datasets/README.md"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The most bytes that can be right.
        limit: u64,
    },
    /// The first bytes are not those of the format.
    #[error(
        "{file} should start with {expected}, but starts with {found}; \
         it is another file, or of another format: see datasets/README.md"
    )]
    Magic {
        /// The file.
        file: String,
        /// The format's first bytes.
        expected: String,
        /// The file's first bytes.
        found: String,
    },
    /// There are fewer bytes than the header announces.
    #[error("{file} should hold {expected} bytes, but ends after {found}; fetch it again")]
    Truncated {
        /// The file.
        file: String,
        /// The number of bytes announced.
        expected: u64,
        /// The number of bytes there are.
        found: u64,
    },
    /// There are more bytes than the header announces.
    #[error("{file} should end after {expected} bytes, but holds {found}; fetch it again")]
    TrailingBytes {
        /// The file.
        file: String,
        /// The number of bytes announced.
        expected: u64,
        /// The number of bytes there are.
        found: u64,
    },
    /// A file without a header whose size is not that of whole records.
    #[error(
        "{file} should hold from 1 to {most} records of {record} bytes, but holds {found} bytes; fetch it again"
    )]
    Size {
        /// The file.
        file: String,
        /// The bytes of a record.
        record: usize,
        /// The most records there can be.
        most: usize,
        /// The number of bytes there are.
        found: u64,
    },
    /// The header announces something that this data set does not have.
    #[error(
        "{file}: {what} should be {expected}, but is {found}; \
         it is damaged, or no file of this data set: see datasets/README.md"
    )]
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
    #[error(
        "{file}: the label of sample {index} should be in {allowed}, but is {found}; \
         it is damaged, or no file of this data set: see datasets/README.md"
    )]
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
    #[error(
        "{images_file} holds {images} images, but {labels_file} holds {labels} labels; fetch both again"
    )]
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
    /// A number of samples that some class does not have, or none.
    #[error(
        "class {class} has {class_size} samples, so the first {asked} of each class cannot be taken; \
         ask for 1 to {class_size}"
    )]
    PerClass {
        /// Samples of each class asked for.
        asked: usize,
        /// The smallest class.
        class: usize,
        /// The number of its samples.
        class_size: usize,
    },
}

impl DataError {
    /// [`Truncated`](Self::Truncated) or [`TrailingBytes`](Self::TrailingBytes) where the lengths differ.
    pub(crate) fn check_length(file: &str, expected: u64, found: u64) -> Result<(), Self> {
        let file = || file.to_owned();
        match found.cmp(&expected) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(Self::Truncated {
                file: file(),
                expected,
                found,
            }),
            std::cmp::Ordering::Greater => Err(Self::TrailingBytes {
                file: file(),
                expected,
                found,
            }),
        }
    }
}

/// Says which files are missing: the first with its path, the others by name.
fn missing(folder: &std::path::Path, files: &[&str]) -> String {
    let first = folder.join(files.first().unwrap_or(&""));
    let mut text = format!("{} is missing", first.display());
    match files {
        [] | [_] => {}
        [_, other] => text += &format!(", and so is {other}"),
        [_, others @ ..] => text += &format!(", and so are {}", others.join(", ")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_missing_file_is_named() {
        let message = |files: &[&'static str]| {
            DataError::Missing {
                dataset: Dataset::Svhn,
                folder: "data".into(),
                files: files.to_vec(),
            }
            .to_string()
        };
        let one = message(&["a.mat"]);
        assert!(
            one.starts_with("svhn: data") && one.contains("a.mat is missing; datasets/README.md")
        );
        assert!(message(&["a", "b"]).contains("a is missing, and so is b; "));
        assert!(message(&["a", "b", "c"]).contains("a is missing, and so are b, c; "));
    }
}
