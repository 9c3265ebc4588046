//! What can be wrong with a weight file.

use std::fmt::Write;
use std::path::PathBuf;

use burn::tensor::DType;
use thiserror::Error;

/// A tensor of another shape than the network's of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// The tensor's name in the network.
    pub name: String,
    /// The network's shape.
    pub expected: Vec<usize>,
    /// The file's shape.
    pub found: Vec<usize>,
}

/// A weight file that does not fit the network, or cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read, or has neither format.
    #[error(
        "cannot read weights from {}: {reason}; expected a safetensors file, or a state dict saved by torch.save",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the reader said.
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
        /// What the writer said.
        reason: String,
    },
    /// Tensors of the network are not in the file, or have another shape there.
    #[error("{} does not fit the network: {}", path.display(), misfit(missing, present, mismatched))]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The parameters that were looked for in vain.
        missing: Vec<String>,
        /// The names in the file.
        present: Vec<String>,
        /// The parameters and running statistics of another shape.
        mismatched: Vec<ShapeMismatch>,
    },
    /// A tensor that is needed does not hold floats.
    #[error(
        "{}: {name} is of type {dtype:?}; weights are F16, BF16, F32 or F64: convert it with .float() before saving",
        path.display()
    )]
    NotFloat {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        dtype: DType,
    },
    /// More than one set of weights in the file fits, and none lies where checkpoints keep the network's own.
    #[error(
        "{} holds weights for the network in several places: under {}; save one of them alone with torch.save",
        path.display(), abridged(prefixes)
    )]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// What the names of each set begin with.
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

/// The names, or the first of them and how many more there are.
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
