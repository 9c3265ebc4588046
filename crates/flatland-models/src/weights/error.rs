//! The errors of weight files.

use std::fmt::Write;
use std::path::PathBuf;

use burn::tensor::DType;
use thiserror::Error;

/// A tensor whose shape differs between file and network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// The name of the tensor in the network.
    pub name: String,
    /// The shape in the network.
    pub expected: Vec<usize>,
    /// The shape in the file.
    pub found: Vec<usize>,
}

/// A weight file that does not fit the network, or cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read, or its format is unknown.
    #[error(
        "cannot read weights from {}: {reason}; expected a safetensors file, or a state dict saved by torch.save",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The message of the reader.
        reason: String,
    },
    /// The file cannot be written.
    #[error(
        "cannot write weights to {}: {reason}; check that its folder exists, may be written to and has room",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The message of the writer.
        reason: String,
    },
    /// Tensors of the network are missing in the file or have other shapes there.
    #[error("{} does not fit the network: {}", path.display(), misfit(missing, present, mismatched))]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The names of the missing parameters.
        missing: Vec<String>,
        /// The names in the file.
        present: Vec<String>,
        /// The parameters and running statistics with other shapes.
        mismatched: Vec<ShapeMismatch>,
    },
    /// A tensor does not contain floats.
    #[error(
        "{}: {name} is of type {dtype:?}; weights are F16, BF16, F32 or F64: convert it with .float() before saving",
        path.display()
    )]
    NotFloat {
        /// The file.
        path: PathBuf,
        /// The name of the tensor.
        name: String,
        /// The type of the tensor.
        dtype: DType,
    },
    /// Several sets of weights in the file fit, and none has a usual prefix.
    #[error(
        "{} holds weights for the network in several places: under {}; save one of them alone with torch.save",
        path.display(), abridged(prefixes)
    )]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The prefix of each set.
        prefixes: Vec<String>,
    },
}

fn misfit(missing: &[String], present: &[String], mismatched: &[ShapeMismatch]) -> String {
    let mut text = String::new();
    for ShapeMismatch {
        name,
        expected,
        found,
    } in mismatched
    {
        let _ = write!(
            text,
            "{name} is {found:?} in the file and {expected:?} in the network; "
        );
    }
    if !missing.is_empty() {
        let _ = write!(
            text,
            "it holds no tensor named {}; it holds {}; ",
            abridged(missing),
            abridged(present)
        );
    }
    text + "use weights that were saved from a network of the same layers, widths and number of classes"
}

/// The names, or the first of them and the number of the others.
pub(super) fn abridged(names: &[String]) -> String {
    const MOST: usize = 8;
    match names {
        [] => "none".to_owned(),
        _ if names.len() <= MOST => names.join(", "),
        _ => format!(
            "{} and {} more",
            names[..MOST].join(", "),
            names.len() - MOST
        ),
    }
}
