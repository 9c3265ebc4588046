//! Weights in files, under the names that PyTorch gives them.

use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, SafetensorsStore, bridge};
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_optim::module::with_constants;
use thiserror::Error;

use crate::{Layout, Sequence};

/// A weight file that does not fit the network, or cannot be read or written.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file cannot be read, or is no safetensors file.
    #[error("cannot read weights from {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The file cannot be written.
    #[error("cannot write weights to {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
    /// Parameters of the network are not in the file.
    #[error(
        "{} holds no tensor named {}; it holds {}",
        path.display(), missing.join(", "), present.join(", ")
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The parameters that were looked for in vain.
        missing: Vec<String>,
        /// The names in the file.
        present: Vec<String>,
    },
    /// A tensor has another shape than the parameter of its name.
    #[error("{}: {name} has shape {found:?}, but the network's has {expected:?}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The parameter.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
}

/// A point read from a file.
#[derive(Debug)]
pub struct LoadedWeights {
    /// The parameters in the order of the layout.
    pub point: Tensor<1>,
    /// Names in the file that no parameter has.
    pub unused: Vec<String>,
}

/// Reads a point from a safetensors file that holds a tensor for every parameter, under PyTorch's name and in
/// PyTorch's shape, of any float type. A prefix that all of these names share in the file (`"module."`, `"net."`) is
/// ignored.
///
/// # Errors
///
/// An unreadable file, a parameter that the file does not hold, or a shape that does not fit; nothing is uploaded then.
pub fn load_weights(
    path: &Path,
    layout: &Layout,
    device: &Device,
    dtype: DType,
) -> Result<LoadedWeights, WeightsError> {
    let read = |reason: String| WeightsError::Read {
        path: path.to_owned(),
        reason,
    };
    let mut store = SafetensorsStore::from_file(path);
    let tensors = store
        .get_all_tensors()
        .map_err(|error| read(error.to_string()))?;
    let names: Vec<String> = layout
        .slots()
        .iter()
        .map(|slot| slot.name.clone())
        .collect();
    let is_present = |prefix: &str, name: &String| tensors.contains_key(&format!("{prefix}{name}"));
    let prefix = (names.first())
        .and_then(|first| {
            (tensors
                .keys()
                .filter_map(|key| key.strip_suffix(first.as_str())))
            .find(|prefix| names.iter().all(|name| is_present(prefix, name)))
        })
        .unwrap_or("");
    let missing: Vec<String> = names
        .iter()
        .filter(|name| !is_present(prefix, name))
        .cloned()
        .collect();
    if !missing.is_empty() {
        let present = tensors.keys().cloned().collect();
        return Err(WeightsError::Missing {
            path: path.to_owned(),
            missing,
            present,
        });
    }

    let mut entries: Vec<f64> = Vec::with_capacity(layout.dimension());
    for slot in layout.slots() {
        let tensor = tensors[&format!("{prefix}{}", slot.name)].clone();
        let data = bridge::into_data(tensor).map_err(|error| read(format!("{error:?}")))?;
        let found = data.shape().to_vec();
        if found != slot.shape {
            return Err(WeightsError::Shape {
                path: path.to_owned(),
                name: slot.name.clone(),
                expected: slot.shape.clone(),
                found,
            });
        }
        entries.extend(data.iter::<f64>());
    }
    let unused = (tensors.keys())
        .filter(|key| !names.iter().any(|name| **key == format!("{prefix}{name}")))
        .cloned()
        .collect();
    let data = TensorData::new(entries, [layout.dimension()]);
    Ok(LoadedWeights {
        point: Tensor::from_data(data, (device, dtype)),
        unused,
    })
}

/// Writes the network's parameters at `point` to a safetensors file, under PyTorch's names; an existing file is
/// replaced once the new one is complete.
///
/// # Errors
///
/// The file cannot be written.
///
/// # Panics
///
/// Where `point` has another length than the network has parameters.
pub fn save_weights(
    path: &Path,
    network: &Sequence,
    point: &Tensor<1>,
) -> Result<(), WeightsError> {
    let mut store = SafetensorsStore::from_file(path)
        .skip_enum_variants(true)
        .overwrite(true);
    with_constants(network.clone(), point)
        .save_into(&mut store)
        .map_err(|error| WeightsError::Write {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}
