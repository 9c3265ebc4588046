//! Readers of the official file formats: bytes in, checked samples out.
//!
//! No reader trusts a header: what it announces is compared with the bytes that are there, and with the sizes the
//! data set can have, before anything is allocated for it.

mod cifar;
mod gzip;
mod idx;
mod mat;

pub(crate) use cifar::{cifar10, cifar100};
pub(crate) use gzip::decompressed;
pub(crate) use idx::{Orientation, images, labels};
pub(crate) use mat::svhn;

/// More samples than any file of these data sets holds (SVHN's training file has 73,257, EMNIST letters' 124,800).
const MOST_SAMPLES: usize = 200_000;

/// The first bytes of a file, to show.
fn first_bytes(bytes: &[u8]) -> String {
    match bytes {
        [] => "nothing".to_owned(),
        bytes => {
            let shown = &bytes[..bytes.len().min(8)];
            shown
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// Whether the bytes are a saved web page.
fn is_web_page(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(256)];
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    ["<!doctype html", "<html", "<?xml", "<head"]
        .iter()
        .any(|tag| text.starts_with(tag))
}
