//! The errors of this crate.

use std::path::PathBuf;

use thiserror::Error;

use crate::Dataset;

/// A data set that cannot be used. The message says what to do.
///
/// A `file` is the path of a file, `built-in` and the name of a built-in file, or `X in` and the path for a variable of
/// a MATLAB file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// Files are missing.
    #[error(
        "{dataset}: {}; datasets/README.md says where to get it, and `experiments data` lists what is found",
        missing(folder, files)
    )]
    Missing {
        /// The data set.
        dataset: Dataset,
        /// The folder of the data set.
        folder: PathBuf,
        /// The names of the missing files, at least one.
        files: Vec<&'static str>,
    },
    /// A file cannot be read.
    #[error("cannot read {file}: {source}; it should be a file that you may read")]
    Read {
        /// The file.
        file: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is a saved web page.
    #[error(
        "{file} is a web page, not data: the download was refused or redirected; fetch the file itself again"
    )]
    WebPage {
        /// The file.
        file: String,
    },
    /// The file does not decompress.
    #[error("{file} does not decompress: {reason}; fetch it again")]
    Compression {
        /// The file.
        file: String,
        /// The message of the decoder.
        reason: String,
    },
    /// The file is longer than any valid file, possibly when decompressed. Only bytes up to the limit were read.
    #[error(
        "{file} should have at most {limit} bytes, unpacked, but goes on after them; \
         it is no file of this data set: see datasets/README.md"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file does not start with the magic bytes of the format.
    #[error(
        "{file} should start with {expected}, but starts with {found}; \
         it is another file, or of another format: see datasets/README.md"
    )]
    Magic {
        /// The file.
        file: String,
        /// The expected bytes.
        expected: String,
        /// The first bytes of the file.
        found: String,
    },
    /// The file has fewer bytes than its header says.
    #[error("{file} should hold {expected} bytes, but ends after {found}; fetch it again")]
    Truncated {
        /// The file.
        file: String,
        /// The number of bytes according to the header.
        expected: u64,
        /// The number of bytes in the file.
        found: u64,
    },
    /// The file has more bytes than its header says.
    #[error("{file} should end after {expected} bytes, but holds {found}; fetch it again")]
    TrailingBytes {
        /// The file.
        file: String,
        /// The number of bytes according to the header.
        expected: u64,
        /// The number of bytes in the file.
        found: u64,
    },
    /// The size of a file without a header is not a multiple of the record size, or is out of range.
    #[error(
        "{file} should hold from 1 to {most} records of {record} bytes, but holds {found} bytes; fetch it again"
    )]
    Size {
        /// The file.
        file: String,
        /// The size of a record in bytes.
        record: usize,
        /// The largest number of records.
        most: usize,
        /// The number of bytes in the file.
        found: u64,
    },
    /// A field of the header has an invalid value for the data set.
    #[error(
        "{file}: {what} should be {expected}, but is {found}; \
         it is damaged, or no file of this data set: see datasets/README.md"
    )]
    Header {
        /// The file.
        file: String,
        /// The field.
        what: String,
        /// The allowed values.
        expected: String,
        /// The value in the file.
        found: String,
    },
    /// A label is no class of the data set.
    #[error(
        "{file}: the label of sample {index} should be in {allowed}, but is {found}; \
         it is damaged, or no file of this data set: see datasets/README.md"
    )]
    Label {
        /// The file.
        file: String,
        /// The index of the sample, from 0.
        index: usize,
        /// The allowed labels.
        allowed: String,
        /// The label in the file.
        found: String,
    },
    /// The numbers of images and labels differ.
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
    /// A stratified subset is too small to contain every class.
    #[error(
        "a stratified subset of {samples} of {available} samples leaves none of class {class} \
         (of which there are {class_size}); ask for at least {least} samples"
    )]
    SubsetTooSmall {
        /// The requested number of samples.
        samples: usize,
        /// The number of samples in the data set.
        available: usize,
        /// A class that the subset would not contain.
        class: usize,
        /// The number of samples of this class.
        class_size: usize,
        /// The smallest subset that contains every class.
        least: usize,
    },
    /// The number of samples per class is 0, or larger than the smallest class.
    #[error(
        "class {class} has {class_size} samples, so the first {asked} of each class cannot be taken; \
         ask for 1 to {class_size}"
    )]
    PerClass {
        /// The requested number of samples per class.
        asked: usize,
        /// The smallest class.
        class: usize,
        /// The number of samples of this class.
        class_size: usize,
    },
}

impl DataError {
    /// Returns [`Truncated`](Self::Truncated) or [`TrailingBytes`](Self::TrailingBytes) if the lengths differ.
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

/// The part of a message that names missing files: the first with its path, the others by name.
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
