//! The file of a checkpoint: tensors and metadata in the safetensors format.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_records::disk::read_file;
use flatland_records::files;
use safetensors::tensor::{TensorView, View};
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use super::{Checkpoint, RunIdentity, State};

/// The version of the format. Every other version is refused, except the first, which was another file.
const VERSION: u32 = 2;

/// The keys of the metadata. The checksum is over everything else, in every version of the format.
mod key {
    pub const FORMAT: &str = "format";
    pub const VERSION: &str = "version";
    pub const IDENTITY: &str = "identity";
    pub const STATE: &str = "state";
    pub const CHECKSUM: &str = "checksum";
}

/// What the metadata calls the format.
const FORMAT: &str = "flatland checkpoint";

/// Why a run cannot be resumed from a file.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// There is no such file.
    #[error("{0} is missing")]
    Missing(PathBuf),
    /// The file is not as it was written.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file is whole, and of another version of this program.
    #[error(
        "{path} has version {found} of the checkpoint format, this program has version {VERSION}: resume the run with the \
         program that wrote it, or remove the run's folder to start again"
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A tensor that is copied to the host only when it is written.
struct Lazy<'a> {
    tensor: &'a Tensor<1>,
    dtype: Dtype,
    shape: [usize; 1],
}

impl View for Lazy<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.tensor.to_data().as_bytes().to_vec())
    }

    fn data_len(&self) -> usize {
        self.shape[0] * self.dtype.bitsize() / 8
    }
}

/// Writes a checkpoint, and waits until it is on the disk. Returns the checksum.
pub(super) fn write(
    path: &Path,
    identity: &RunIdentity,
    checkpoint: &Checkpoint,
) -> Result<blake3::Hash> {
    let mut tensors = BTreeMap::new();
    for (name, tensor) in &checkpoint.tensors {
        let dtype = match tensor.dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
            other => bail!("{name} has the float type {other:?}, which a checkpoint does not hold"),
        };
        let shape = tensor.dims();
        let lazy = Lazy {
            tensor,
            dtype,
            shape,
        };
        tensors.insert(name.as_str(), lazy);
    }
    let mut metadata = HashMap::from([
        (key::FORMAT.to_owned(), FORMAT.to_owned()),
        (key::VERSION.to_owned(), VERSION.to_string()),
        (key::IDENTITY.to_owned(), toml::to_string(identity)?),
        (key::STATE.to_owned(), toml::to_string(&checkpoint.state)?),
    ]);
    let views = tensors.iter().map(|(name, tensor)| (*name, tensor));
    let sum = checksum(&metadata, views);
    metadata.insert(key::CHECKSUM.to_owned(), sum.to_hex().to_string());
    safetensors::serialize_to_file(tensors, Some(metadata), path)?;
    File::open(path)?.sync_all()?;
    Ok(sum)
}

/// The BLAKE3 sum of the metadata except the sum itself, by key, and of the tensors, by name.
fn checksum<'a, V: View + 'a>(
    metadata: &HashMap<String, String>,
    tensors: impl Iterator<Item = (&'a str, &'a V)>,
) -> blake3::Hash {
    let mut sum = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        sum.update(&(part.len() as u64).to_le_bytes());
        sum.update(part);
    };
    let mut entries: Vec<_> = metadata
        .iter()
        .filter(|(key, _)| *key != key::CHECKSUM)
        .collect();
    entries.sort();
    for (key, value) in entries {
        add(key.as_bytes());
        add(value.as_bytes());
    }
    for (name, tensor) in tensors {
        add(name.as_bytes());
        add(tensor.dtype().to_string().as_bytes());
        add(&tensor.data());
    }
    sum.finalize()
}

/// A file whose checksum fits.
struct Sound<'a> {
    metadata: HashMap<String, String>,
    tensors: Vec<(String, TensorView<'a>)>,
    sum: blake3::Hash,
}

impl<'a> Sound<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let metadata = header.metadata().clone().context("it has no metadata")?;
        let file = SafeTensors::deserialize(bytes)?;
        let mut tensors: Vec<_> = file.tensors();
        tensors.sort_by(|left, right| left.0.cmp(&right.0));
        let views = (tensors.iter()).map(|(name, view)| (name.as_str(), view));
        let sum = checksum(&metadata, views);
        let noted = metadata.get(key::CHECKSUM).context("it has no checksum")?;
        ensure!(*noted == *sum.to_hex(), "its checksum does not fit");
        Ok(Self {
            metadata,
            tensors,
            sum,
        })
    }

    fn entry(&self, key: &str) -> Result<&str> {
        let value = self.metadata.get(key);
        Ok(value.with_context(|| format!("it has no {key}"))?)
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    read_file(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CheckpointError::Missing(path.to_owned()),
        _ => CheckpointError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })
}

fn damaged(path: &Path, error: &anyhow::Error) -> CheckpointError {
    CheckpointError::Damaged {
        path: path.to_owned(),
        what: format!("{error:#}"),
    }
}

/// The checksum of a file, if it fits its contents.
pub(super) fn sum(path: &Path) -> Result<blake3::Hash, CheckpointError> {
    let bytes = bytes(path)?;
    let sound = Sound::parse(&bytes).map_err(|error| damaged(path, &error))?;
    Ok(sound.sum)
}

/// Reads a checkpoint whose checksum fits.
pub(super) fn read(
    path: &Path,
    device: &Device,
) -> Result<(RunIdentity, Checkpoint), CheckpointError> {
    let bytes = bytes(path)?;
    let damaged = |error| damaged(path, &error);
    let sound = Sound::parse(&bytes).map_err(damaged)?;
    let version = sound.entry(key::VERSION).map_err(damaged)?;
    if version != VERSION.to_string() {
        return Err(CheckpointError::OtherVersion {
            path: path.to_owned(),
            found: version.to_owned(),
        });
    }
    let read = || -> Result<(RunIdentity, Checkpoint)> {
        ensure!(
            sound.entry(key::FORMAT)? == FORMAT,
            "it is no checkpoint of flatland"
        );
        let identity = toml::from_str(sound.entry(key::IDENTITY)?)?;
        let state: State = toml::from_str(sound.entry(key::STATE)?)?;
        check_marks_are_of_tables(&state)?;
        let tensors = sound.tensors.iter().map(|(name, view)| {
            let tensor = tensor(view, device).with_context(|| format!("the tensor {name}"))?;
            Ok((name.clone(), tensor))
        });
        let tensors = tensors.collect::<Result<_>>()?;
        Ok((identity, Checkpoint { state, tensors }))
    };
    read().map_err(damaged)
}

/// A checkpoint may come from anybody, and the files that it marks are cut: they have to be the files of a run.
pub(super) fn check_marks_are_of_tables(state: &State) -> Result<()> {
    let is_foreign = |name: &&String| !files::TABLES.contains(&name.as_str());
    if let Some(name) = state.marks.keys().find(is_foreign) {
        bail!("it counts the rows of {name:?}, and no run has such a file");
    }
    Ok(())
}

/// The tensor of a view, on a device.
pub(super) fn tensor(view: &TensorView<'_>, device: &Device) -> Result<Tensor<1>> {
    let bytes = view.data();
    let (data, dtype) = match view.dtype() {
        Dtype::F32 => {
            let numbers = bytes.as_chunks().0.iter();
            let numbers: Vec<f32> = numbers.map(|&bytes| f32::from_le_bytes(bytes)).collect();
            let length = numbers.len();
            (TensorData::new(numbers, [length]), DType::F32)
        }
        Dtype::F64 => {
            let numbers = bytes.as_chunks().0.iter();
            let numbers: Vec<f64> = numbers.map(|&bytes| f64::from_le_bytes(bytes)).collect();
            let length = numbers.len();
            (TensorData::new(numbers, [length]), DType::F64)
        }
        other => bail!("a float type {other:?} that a checkpoint does not hold"),
    };
    Ok(Tensor::from_data(data, (device, dtype)))
}

/// The bytes of a checkpoint with a checksum that fits, whatever else they hold: for fuzzing.
///
/// # Errors
///
/// The bytes are no safetensors file with metadata.
pub(super) fn sealed(bytes: &[u8]) -> Result<Vec<u8>> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().clone().context("it has no metadata")?;
    let mut tensors = SafeTensors::deserialize(bytes)?.tensors();
    tensors.sort_by(|left, right| left.0.cmp(&right.0));
    seal(metadata, tensors)
}

fn seal(
    mut metadata: HashMap<String, String>,
    tensors: Vec<(String, TensorView<'_>)>,
) -> Result<Vec<u8>> {
    let views = (tensors.iter()).map(|(name, view)| (name.as_str(), view));
    let sum = checksum(&metadata, views);
    metadata.insert(key::CHECKSUM.to_owned(), sum.to_hex().to_string());
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Changes the metadata of a checkpoint, with a checksum that fits.
    pub fn rewrite(path: &Path, change: impl FnOnce(&mut HashMap<String, String>)) {
        let bytes = std::fs::read(path).unwrap();
        let Sound {
            mut metadata,
            tensors,
            ..
        } = Sound::parse(&bytes).unwrap();
        change(&mut metadata);
        std::fs::write(path, seal(metadata, tensors).unwrap()).unwrap();
    }
}
