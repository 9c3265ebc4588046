//! Weight files with PyTorch's names.
//!
//! burn-store reads safetensors and the formats of `torch.save`. Shapes are compared before any entry is read, so a
//! damaged file needs no more memory than the network. burn-store does not write `.pt` files; the module `torch` does.

mod error;
mod file;
mod torch;

use std::collections::HashSet;
use std::io;
use std::path::Path;

use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_optim::module::with_constants;

pub use error::{ShapeMismatch, WeightsError};

use crate::{Layout, RunningStatistics, Sequence};
use error::abridged;
use file::{Fit, WeightFile};

/// The contents of a weight file.
#[derive(Debug)]
pub struct LoadedWeights {
    /// The parameters in the order of the layout.
    pub point: Tensor<1>,
    /// The running statistics of batch normalization from the file, and those of the network if the file has none.
    /// [`RunningStatistics::write_into`] copies them into a network.
    pub running: RunningStatistics,
    /// The names of the running statistics that the file does not contain.
    pub absent: Vec<String>,
    /// The names in the file that the network does not use.
    pub unused: Vec<String>,
}

impl LoadedWeights {
    /// Remarks for the user: one about missing running statistics, and one about unused tensors, if there are any.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.absent.is_empty() {
            remarks.push(format!(
                "no {}: these running statistics stay as in a new network, at mean 0 and variance 1",
                abridged(&self.absent)
            ));
        }
        if !self.unused.is_empty() {
            remarks.push(format!("not used: {}", abridged(&self.unused)));
        }
        remarks
    }
}

/// Reads the weights of `network` from a file. The file must contain a tensor for every parameter, with PyTorch's name
/// and shape, in half, single or double precision.
///
/// The first bytes determine the format: safetensors, or a format of `torch.save`. In a checkpoint with nested
/// dictionaries, the names are paths (`"state_dict.fc.weight"`). A prefix of all names (`"state_dict."`, `"module."`,
/// `"net."`) is ignored. Running statistics of batch normalization are read if the file contains them.
/// `num_batches_tracked` is ignored.
///
/// # Errors
///
/// Returns an error if the file cannot be read, if parameters are missing or have other shapes (the error names all of
/// them), if a tensor does not contain floats, or if several sets of weights fit. In these cases no tensor is uploaded.
pub fn load_weights(
    path: &Path,
    network: &Sequence,
    device: &Device,
    dtype: DType,
) -> Result<LoadedWeights, WeightsError> {
    let layout = Layout::of(network);
    let mut running = RunningStatistics::of(network);
    let names: HashSet<&str> = layout
        .slots()
        .iter()
        .map(|slot| slot.name.as_str())
        .collect();
    let file = WeightFile::open(path, &names)?;

    let (mut missing, mut absent, mut mismatched) = (Vec::new(), Vec::new(), Vec::new());
    for slot in layout.slots() {
        match file.check(&slot.name, &slot.shape) {
            Fit::Fits => {}
            Fit::Missing => missing.push(slot.name.clone()),
            Fit::Mismatch(mismatch) => mismatched.push(mismatch),
        }
    }
    for (name, statistics) in running.tensors() {
        match file.check(&name, &statistics.dims()) {
            Fit::Fits => {}
            Fit::Missing => absent.push(name),
            Fit::Mismatch(mismatch) => mismatched.push(mismatch),
        }
    }
    if !missing.is_empty() || !mismatched.is_empty() {
        return Err(WeightsError::Misfit {
            path: path.to_owned(),
            missing,
            present: file.names().cloned().collect(),
            mismatched,
        });
    }

    let mut entries: Vec<f64> = Vec::with_capacity(layout.dimension());
    for slot in layout.slots() {
        file.read(&slot.name, &mut entries)?;
    }
    let mut used: HashSet<String> = names.iter().map(|&name| name.to_owned()).collect();
    for (name, statistics) in running.tensors_mut() {
        if !absent.contains(&name) {
            let mut values = Vec::new();
            file.read(&name, &mut values)?;
            let values = TensorData::new(values, statistics.shape());
            *statistics = Tensor::from_data(values, (device, dtype));
        }
        used.insert(name);
    }
    let is_used = |name: &str| used.contains(name) || name.ends_with(".num_batches_tracked");
    let unused = (file.names())
        .filter(|name| !file.network_name(name).is_some_and(is_used))
        .cloned()
        .collect();
    let data = TensorData::new(entries, [layout.dimension()]);
    Ok(LoadedWeights {
        point: Tensor::from_data(data, (device, dtype)),
        running,
        absent,
        unused,
    })
}

/// Writes the network's parameters at `point` and its running statistics with PyTorch's names. The format is that of
/// `torch.save` if the path ends in `.pt` or `.pth`, otherwise safetensors. An existing file is replaced when the new
/// one is complete.
///
/// If `running` is `None`, the network's own running statistics are written.
///
/// # Errors
///
/// Returns [`WeightsError::Write`] if the file cannot be written.
///
/// # Panics
///
/// Panics if the length of `point` is not the number of the network's parameters.
pub fn save_weights(
    path: &Path,
    network: &Sequence,
    point: &Tensor<1>,
    running: Option<&RunningStatistics>,
) -> Result<(), WeightsError> {
    let network = network.clone();
    let network = match running {
        Some(running) => running.write_into(network),
        None => network,
    };
    let network = with_constants(network, point);
    let is_torch = (path.extension())
        .is_some_and(|end| end.eq_ignore_ascii_case("pt") || end.eq_ignore_ascii_case("pth"));
    let written = if is_torch {
        save_torch(path, &network).map_err(|error| error.to_string())
    } else {
        let mut store = SafetensorsStore::from_file(path)
            .skip_enum_variants(true)
            .metadata("format", "pt")
            .overwrite(true);
        (network.save_into(&mut store)).map_err(|error| error.to_string())
    };
    written.map_err(|reason| WeightsError::Write {
        path: path.to_owned(),
        reason,
    })
}

fn save_torch(path: &Path, network: &Sequence) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // minus the umask, as for any new file
    let mut temporary = builder.tempfile_in(folder)?;
    torch::write(&network.collect(None, None, true), &mut temporary)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}
