//! The tensors of a weight file of any format, and their names.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use burn::store::burn_pack::Tensor as StoredTensor;
use burn::store::{ModuleStore, PytorchStore, SafetensorsStore, bridge};
use burn::tensor::DType;
use zip::ZipArchive;

use super::error::{ShapeMismatch, WeightsError};

/// The usual prefixes of the network's weights in checkpoints, the most usual first.
const USUAL_PREFIXES: [&str; 4] = ["", "state_dict.", "model_state_dict.", "model."];

/// The most that an archive may unpack to, as a multiple of its length. [`SMALL`] is always allowed. `torch.save` does
/// not compress, and floats hardly shrink.
const MOST_GROWTH: u64 = 16;
/// The position of the magic bytes in a tar archive.
const TAR_MAGIC_PLACE: usize = 257;
const TAR_MAGIC: &[u8] = b"ustar";
/// The number of bytes that every archive may unpack to.
const SMALL: u64 = 256_000_000;

/// The tensors of an open file. Their bytes are read on demand.
pub(super) struct WeightFile<'a> {
    path: &'a Path,
    tensors: BTreeMap<String, StoredTensor>,
    prefix: String,
}

impl<'a> WeightFile<'a> {
    /// Opens a safetensors file or a file of `torch.save`, and finds the prefix that completes the most of `names`.
    pub(super) fn open(path: &'a Path, names: &HashSet<&str>) -> Result<Self, WeightsError> {
        let tensors = tensors(path).map_err(|reason| WeightsError::Read {
            path: path.to_owned(),
            reason,
        })?;
        let prefix = prefix(&tensors, names).map_err(|prefixes| WeightsError::Ambiguous {
            path: path.to_owned(),
            prefixes,
        })?;
        Ok(Self {
            path,
            tensors,
            prefix,
        })
    }

    /// The names in the file, with prefixes.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.tensors.keys()
    }

    /// A name in the file without the prefix. `None` if it does not have the prefix.
    pub(super) fn network_name<'b>(&self, name: &'b str) -> Option<&'b str> {
        name.strip_prefix(self.prefix.as_str())
    }

    /// Compares a tensor of the file with the expected shape. Reads no entries.
    pub(super) fn check(&self, name: &str, expected: &[usize]) -> Fit {
        match self.tensor(name) {
            None => Fit::Missing,
            Some(tensor) if *tensor.shape == *expected => Fit::Fits,
            Some(tensor) => Fit::Mismatch(ShapeMismatch {
                name: name.to_owned(),
                expected: expected.to_vec(),
                found: tensor.shape.to_vec(),
            }),
        }
    }

    /// Appends the entries of a tensor in row-major order.
    ///
    /// # Panics
    ///
    /// Panics if the file contains no tensor of this name.
    pub(super) fn read(&self, name: &str, entries: &mut Vec<f64>) -> Result<(), WeightsError> {
        let tensor = self.tensor(name).expect("a tensor that was checked");
        let dtype = tensor.dtype;
        if !matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64) {
            return Err(WeightsError::NotFloat {
                path: self.path.to_owned(),
                name: name.to_owned(),
                dtype,
            });
        }
        let data = bridge::to_data(tensor).map_err(|error| WeightsError::Read {
            path: self.path.to_owned(),
            reason: format!("{name}: {error}"),
        })?;
        entries.extend(data.iter::<f64>());
        Ok(())
    }

    fn tensor(&self, name: &str) -> Option<&StoredTensor> {
        self.tensors.get(&format!("{}{name}", self.prefix))
    }
}

/// The result of comparing a tensor of the file with one of the network.
pub(super) enum Fit {
    Fits,
    Missing,
    Mismatch(ShapeMismatch),
}

fn tensors(path: &Path) -> Result<BTreeMap<String, StoredTensor>, String> {
    let mut start = Vec::new();
    let most = (TAR_MAGIC_PLACE + TAR_MAGIC.len()) as u64;
    (File::open(path).and_then(|file| file.take(most).read_to_end(&mut start)))
        .map_err(|error| error.to_string())?;
    // A safetensors file starts with the length of a JSON object and the object. No file of torch.save does.
    if start.get(8) == Some(&b'{') {
        let mut store = SafetensorsStore::from_file(path);
        store.get_all_tensors().cloned().map_err(|e| e.to_string())
    } else if start.get(TAR_MAGIC_PLACE..) == Some(TAR_MAGIC) {
        // Such an archive would be read into memory, including holes that may be larger than memory.
        Err(
            "a tar archive, as the first versions of torch.save wrote; load it with PyTorch and save it anew"
                .to_owned(),
        )
    } else {
        check_unpacked(path)?;
        let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
        store.get_all_tensors().cloned().map_err(|e| e.to_string())
    }
}

/// Rejects a zip archive that unpacks to far more than its length. Accepts a file that is no zip archive.
fn check_unpacked(path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else {
        return Ok(());
    };
    let sizes =
        (0..archive.len()).map(|place| archive.by_index_raw(place).map_or(0, |entry| entry.size()));
    let unpacked = sizes.fold(0, u64::saturating_add);
    let most = SMALL.max(length.saturating_mul(MOST_GROWTH));
    if unpacked <= most {
        Ok(())
    } else {
        Err(format!(
            "an archive of {length} bytes that unpacks to {unpacked}, where {most} are the most that is read"
        ))
    }
}

/// The prefix of the network's names in the file: empty, the path in a checkpoint, or the name of an enclosing module.
/// If no prefix completes all names, it is the one that completes the most.
///
/// # Errors
///
/// Returns the prefixes if several complete all names and none is usual.
fn prefix(
    tensors: &BTreeMap<String, StoredTensor>,
    names: &HashSet<&str>,
) -> Result<String, Vec<String>> {
    let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for key in tensors.keys() {
        let starts = (key.rmatch_indices('.').map(|(dot, _)| dot + 1)).chain([0]);
        for start in starts.take_while(|start| key.len() - start <= longest) {
            if names.contains(&key[start..]) {
                *found.entry(&key[..start]).or_default() += 1;
            }
        }
    }
    let most = found.values().copied().max().unwrap_or(0);
    let best: Vec<&str> = (found.iter())
        .filter(|(_, count)| **count == most)
        .map(|(prefix, _)| *prefix)
        .collect();
    let usual = USUAL_PREFIXES
        .into_iter()
        .find(|usual| best.contains(usual));
    match (usual, best.as_slice()) {
        (Some(prefix), _) => Ok(prefix.to_owned()),
        (None, []) => Ok(String::new()),
        (None, [first, _, ..]) if most < names.len() => Ok((*first).to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, several) => Err(several.iter().map(|&prefix| prefix.to_owned()).collect()),
    }
}
