//! Weights in files, under the names that PyTorch gives them.

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

/// A point read from a file, and what else the file says about the network.
#[derive(Debug)]
pub struct LoadedWeights {
    /// The parameters in the order of the layout.
    pub point: Tensor<1>,
    /// The running statistics of batch normalization: the file's, and the network's own where it has none.
    /// [`RunningStatistics::write_into`] starts a network from them.
    pub running: RunningStatistics,
    /// The names of the running statistics that the file does not hold.
    pub absent: Vec<String>,
    /// Names in the file that the network has no use for.
    pub unused: Vec<String>,
}

impl LoadedWeights {
    /// What a user should know: a sentence for the running statistics that were not in the file, if any, and one for
    /// what was not used.
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

/// Reads the weights of `network` from a file that holds a tensor for every parameter, under PyTorch's name and in
/// PyTorch's shape, in half, single or double precision.
///
/// The format is read off the first bytes: safetensors, or any format of `torch.save`. Of a checkpoint that is a
/// dictionary of dictionaries the names are the paths (`"state_dict.fc.weight"`), and a prefix that all of the
/// network's names share in the file (`"state_dict."`, `"module."`, `"net."`) is ignored. Running statistics of batch
/// normalization are read where the file has them; `num_batches_tracked` has no use here and is passed over.
///
/// # Errors
///
/// An unreadable file, parameters that the file does not hold, shapes that do not fit (all of them are named), a
/// tensor of integers, or several sets of weights that fit; nothing is uploaded then.
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

/// Writes the network's parameters at `point` and the running statistics of its batch normalizations under PyTorch's
/// names, for `torch.load` where the path ends in `.pt` or `.pth`, as a safetensors file otherwise. An existing file is
/// replaced once the new one is complete.
///
/// Without `running`, the network's own running statistics are written.
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
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as of any file
    let mut temporary = builder.tempfile_in(folder)?;
    torch::write(&network.collect(None, None, true), &mut temporary)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}
