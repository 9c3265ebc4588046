//! What reads files and requests that this program did not write, for the targets in `fuzz/`. No public interface.

use std::fs;
use std::path::Path;

use burn::tensor::Device;

use crate::checkpoint::Checkpoint;
use crate::finished::Contents;
use crate::grid::Grid;
use crate::serve::request::{Audience, Request};
use crate::{page, report, table, tune};

/// A grid file, as far as the list of its runs.
pub fn grid(text: &str) {
    let grid = Grid::read("fuzz", text, "the fuzzer", &[], &[], |_| {});
    let _ = grid.map(|grid| grid.cells());
}

/// A results folder, as far as its page, its table and its pictures.
pub fn results(folder: &Path) {
    let _ = page::write(folder, None);
    if let Ok(contents) = Contents::read(folder) {
        let _ = table::text(&contents.runs);
        let _ = report::pictures(&contents.runs, folder);
    }
}

/// The bytes of a checkpoint before its checksum, in a scratch folder.
pub fn checkpoint(bytes: &[u8], scratch: &Path) {
    let path = scratch.join("checkpoint.bin");
    let sealed = [bytes, blake3::hash(bytes).as_bytes()].concat();
    fs::write(&path, sealed).expect("a folder to write in");
    let _ = Checkpoint::read(&path, &Device::flex());
}

/// What `experiments tune` leaves.
pub fn tuned(path: &Path) {
    let _ = tune::file::Entries::read(path);
}

/// The head of a request to `experiments serve`.
pub fn request(head: &[u8]) {
    let _ = Request::parse(head, Audience::Local);
}
