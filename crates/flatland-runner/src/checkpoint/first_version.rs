//! Reading the first version of the format, `checkpoint.bin`. Nobody writes it any more.
//!
//! | part of the file | contents |
//! |---|---|
//! | 8 bytes | `flatland` |
//! | 4 bytes | the version 1, little-endian as all numbers here |
//! | 8 bytes, and as many as they say | [`State`] with its [`RunIdentity`], as MessagePack |
//! | for each tensor that the state names: 8 bytes, and as many as they say | a safetensors file of that tensor |
//! | 32 bytes | the BLAKE3 sum of everything before |

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use flatland_records::disk::read_file;
use safetensors::SafeTensors;
use serde::Deserialize;

use super::file::{CheckpointError, check_marks_are_of_tables, tensor};
use super::{Checkpoint, RunIdentity, State};

const MAGIC: &[u8; 8] = b"flatland";
const VERSION: u32 = 1;

/// What comes before the tensors.
#[derive(Deserialize)]
struct Head {
    identity: RunIdentity,
    state: State,
    /// The names of the tensors, in their order.
    tensors: Vec<String>,
}

/// Reads a checkpoint whose checksum fits.
pub(super) fn read(
    path: &Path,
    device: &Device,
) -> Result<(RunIdentity, Checkpoint), CheckpointError> {
    let bytes = read_file(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CheckpointError::Missing(path.to_owned()),
        _ => CheckpointError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })?;
    parse(&bytes, device).map_err(|error| CheckpointError::Damaged {
        path: path.to_owned(),
        what: format!("{error:#}"),
    })
}

fn parse(bytes: &[u8], device: &Device) -> Result<(RunIdentity, Checkpoint)> {
    let before = bytes.len().checked_sub(blake3::OUT_LEN);
    let (mut bytes, sum) = bytes.split_at(before.context("it is too short for a checkpoint")?);
    ensure!(
        blake3::hash(bytes).as_bytes() == sum,
        "its checksum does not fit"
    );
    let (mut magic, mut version) = ([0; MAGIC.len()], [0; 4]);
    bytes.read_exact(&mut magic)?;
    bytes.read_exact(&mut version)?;
    if &magic != MAGIC || u32::from_le_bytes(version) != VERSION {
        bail!("it is no checkpoint of flatland");
    }
    let head: Head = rmp_serde::from_slice(block(&mut bytes)?)?;
    check_marks_are_of_tables(&head.state)?;
    let tensors = head.tensors.into_iter().map(|name| {
        let read = || -> Result<_> {
            let file = SafeTensors::deserialize(block(&mut bytes)?)?;
            tensor(&file.tensor(&name)?, device)
        };
        let tensor = { read }().with_context(|| format!("the tensor {name}"))?;
        Ok((name, tensor))
    });
    let tensors = tensors.collect::<Result<_>>()?;
    let state = head.state;
    Ok((head.identity, Checkpoint { state, tensors }))
}

/// A part with its length before it. Anybody can make a checksum, so the length may be too large.
fn block<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let mut length = [0; 8];
    bytes.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let found = bytes.len();
    let split = usize::try_from(length)
        .ok()
        .and_then(|length| bytes.split_at_checked(length));
    let (block, rest) =
        split.with_context(|| format!("a part of {length} bytes, of which {found} are there"))?;
    *bytes = rest;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this head whose checksum fits.
    fn sealed(parts: &[&[u8]]) -> Vec<u8> {
        let bytes = [&[&MAGIC[..], &VERSION.to_le_bytes()], parts]
            .concat()
            .concat();
        let sum = blake3::hash(&bytes);
        [bytes.as_slice(), sum.as_bytes()].concat()
    }

    #[test]
    fn a_length_beyond_the_file_is_refused() {
        for length in [4, u64::from(u32::MAX), u64::MAX] {
            let bytes = sealed(&[&length.to_le_bytes(), b"abc"]);
            let error = format!("{:#}", parse(&bytes, &Device::flex()).err().unwrap());
            assert_eq!(
                error,
                format!("a part of {length} bytes, of which 3 are there")
            );
        }
    }

    #[test]
    fn every_shortened_file_is_refused() {
        let whole = include_bytes!("../../tests/fixtures/first-version/full-batch.bin");
        assert!(parse(whole, &Device::flex()).is_ok());
        let end = whole.len() - blake3::OUT_LEN;
        for length in (0..end).step_by(97) {
            let sum = blake3::hash(&whole[..length]);
            let bytes = [&whole[..length], sum.as_bytes()].concat();
            assert!(parse(&bytes, &Device::flex()).is_err(), "{length} bytes");
        }
    }
}
