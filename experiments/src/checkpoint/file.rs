//! The bytes of a checkpoint.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{DType, Device, Tensor, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Checkpoint, Identity, State};
use crate::records;

const MAGIC: &[u8; 8] = b"flatland";
/// The version of the format; any other is refused. What precedes it and the checksum at the end stay for ever.
const VERSION: u32 = 1;
/// Bytes of the checksum.
const SUM: u64 = blake3::OUT_LEN as u64;

/// Why a file is no checkpoint to go on from.
#[derive(Debug, Error)]
pub enum Unusable {
    #[error("{0} is missing")]
    Missing(PathBuf),
    /// The file is not as it was written.
    #[error("{path} is damaged: {what}")]
    Damaged { path: PathBuf, what: String },
    /// The file is whole, and of another version of this program.
    #[error(
        "{path} has version {found} of the checkpoint format, this program has version {VERSION}: go on with the program \
         that wrote it, or remove the run's folder to start anew"
    )]
    OtherVersion { path: PathBuf, found: u32 },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
}

/// What comes before the tensors.
#[derive(Serialize, Deserialize)]
struct Head<I, S> {
    identity: I,
    state: S,
    /// The names of the tensors, in their order.
    tensors: Vec<String>,
}

/// A writer that sums up what it writes.
struct Summing<W> {
    inner: W,
    sum: blake3::Hasher,
}

impl<W: Write> Summing<W> {
    /// Writes a block with its length before it.
    fn block(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(&(bytes.len() as u64).to_le_bytes())?;
        self.write_all(bytes)
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes a checkpoint, and waits until it is on the disk. One tensor at a time is on the host. Returns the checksum.
pub(super) fn write(
    path: &Path,
    identity: &Identity,
    checkpoint: &Checkpoint,
) -> Result<blake3::Hash> {
    let mut file = Summing {
        inner: BufWriter::new(File::create(path)?),
        sum: blake3::Hasher::new(),
    };
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    let names = checkpoint.tensors.iter().map(|(name, _)| name.clone());
    let head = Head {
        identity,
        state: &checkpoint.state,
        tensors: names.collect(),
    };
    file.block(&rmp_serde::to_vec_named(&head)?)?;
    for (name, tensor) in &checkpoint.tensors {
        let data = tensor.clone().into_data();
        let dtype = match data.dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
            other => bail!("{name} has the float type {other:?}, which a checkpoint does not hold"),
        };
        let view = TensorView::new(dtype, tensor.dims().to_vec(), data.as_bytes())?;
        file.block(&safetensors::serialize([(name, view)], None)?)?;
    }
    let Summing { mut inner, sum } = file;
    let sum = sum.finalize();
    inner.write_all(sum.as_bytes())?;
    let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(sum)
}

/// The checksum of what a checkpoint holds before its own, which must be the same.
pub(super) fn sum(path: &Path) -> Result<blake3::Hash, Unusable> {
    let damaged = |what: &str| Unusable::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let unreadable = |source| Unusable::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unusable::Missing(path.to_owned()),
        _ => unreadable(error),
    })?;
    let length = file.metadata().map_err(unreadable)?.len();
    let Some(before) = length.checked_sub(SUM) else {
        return Err(damaged("it is too short for a checkpoint"));
    };
    let mut sum = blake3::Hasher::new();
    sum.update_reader((&mut file).take(before))
        .map_err(unreadable)?;
    let (found, mut noted) = (sum.finalize(), [0; blake3::OUT_LEN]);
    file.read_exact(&mut noted).map_err(unreadable)?;
    match found == noted {
        true => Ok(found),
        false => Err(damaged("its checksum does not fit")),
    }
}

/// Reads a checkpoint whose checksum fits.
pub(super) fn read(path: &Path, device: &Device) -> Result<(Identity, Checkpoint), Unusable> {
    sum(path)?;
    let read = || -> Result<Result<(Identity, Checkpoint), u32>> {
        let mut file = BufReader::new(File::open(path)?);
        let (mut magic, mut version) = ([0; MAGIC.len()], [0; 4]);
        file.read_exact(&mut magic)?;
        file.read_exact(&mut version)?;
        if &magic != MAGIC {
            bail!("it is no checkpoint of flatland");
        }
        let version = u32::from_le_bytes(version);
        if version != VERSION {
            return Ok(Err(version));
        }
        let head: Head<Identity, State> = rmp_serde::from_slice(&block(&mut file)?)?;
        let is_foreign = |name: &&String| !records::TABLES.contains(&name.as_str());
        if let Some(name) = head.state.marks.keys().find(is_foreign) {
            bail!("it counts the rows of {name:?}, and no run has such a file");
        }
        let tensors = head.tensors.into_iter().map(|name| {
            let tensor = tensor(&block(&mut file)?, &name, device)
                .with_context(|| format!("the tensor {name}"))?;
            Ok((name, tensor))
        });
        let tensors = tensors.collect::<Result<_>>()?;
        let state = head.state;
        Ok(Ok((head.identity, Checkpoint { state, tensors })))
    };
    match read() {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(found)) => Err(Unusable::OtherVersion {
            path: path.to_owned(),
            found,
        }),
        Err(error) => Err(Unusable::Damaged {
            path: path.to_owned(),
            what: format!("{error:#}"),
        }),
    }
}

/// A block with its length before it. Anybody can make a checksum: no memory is taken for what is not there.
fn block(file: &mut impl Read) -> Result<Vec<u8>> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut block = Vec::new();
    let found = file.take(length).read_to_end(&mut block)? as u64;
    ensure!(
        found == length,
        "a part of {length} bytes, of which {found} are there"
    );
    Ok(block)
}

fn tensor(block: &[u8], name: &str, device: &Device) -> Result<Tensor<1>> {
    let file = SafeTensors::deserialize(block)?;
    let view = file.tensor(name)?;
    let bytes = view.data();
    let (data, dtype) = match view.dtype() {
        Dtype::F32 => {
            let numbers = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&bytes| f32::from_le_bytes(bytes));
            let numbers: Vec<f32> = numbers.collect();
            let length = numbers.len();
            (TensorData::new(numbers, [length]), DType::F32)
        }
        Dtype::F64 => {
            let numbers = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&bytes| f64::from_le_bytes(bytes));
            let numbers: Vec<f64> = numbers.collect();
            let length = numbers.len();
            (TensorData::new(numbers, [length]), DType::F64)
        }
        other => bail!("a float type {other:?} that a checkpoint does not hold"),
    };
    Ok(Tensor::from_data(data, (device, dtype)))
}
