//! Readers of the official file formats.
//!
//! The readers do not trust headers. They compare sizes in a header with the number of bytes and with the limits of the
//! data set before they allocate memory.

mod cifar;
mod gzip;
mod idx;
mod mat;
mod svhn;

pub(crate) use cifar::{cifar10, cifar100};
pub(crate) use gzip::decompressed;
pub(crate) use idx::{Orientation, images, labels};
pub(crate) use svhn::svhn;

/// A limit above the number of samples in every file (73,257 in SVHN's training file, 124,800 in that of EMNIST
/// letters).
const MOST_SAMPLES: usize = 200_000;

/// The first bytes of a file, for a message.
fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let shown = bytes.iter().take(8).map(|byte| format!("{byte:02x}"));
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether the file is a saved web page.
fn is_web_page(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).to_lowercase();
    let text = start.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    ["<!doctype html", "<html", "<?xml", "<head"]
        .iter()
        .any(|tag| text.starts_with(tag))
}

/// Damaged files for the property tests of the readers.
#[cfg(test)]
mod damage {
    use proptest::prelude::*;

    /// Flips bits near the start, near the end and anywhere, and may truncate or extend the file.
    pub fn damaged(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
        let length = valid.len();
        let near = 200.min(length);
        let place = prop_oneof![0..near, length - near..length, 0..length];
        let flips = prop::collection::vec((place, 1u8..), 0..4);
        let end = prop_oneof![3 => Just(length), 1 => 0..length, 1 => length + 1..length + 20];
        (flips, end).prop_map(move |(flips, end)| {
            let mut bytes = valid.clone();
            for (place, mask) in flips {
                bytes[place] ^= mask;
            }
            bytes.resize(end, 0);
            bytes
        })
    }

    /// Random bytes after a valid start, which passes the reader's first check.
    pub fn continued(start: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(move |bytes| [start.as_slice(), &bytes].concat())
    }
}
