//! What reads files and requests that this program did not write, for the targets in `fuzz/`. No public interface.

use std::fs;
use std::path::Path;

use burn::tensor::Device;

use crate::checkpoint::Checkpoint;
use crate::export::tensorboard;
use crate::finished::Contents;
use crate::grid::Grid;
use crate::records;
use crate::serve::files;
use crate::serve::request::{Audience, Request};
use crate::{page, report, table, tune, watch};

/// Whether [`results`] reads files of this name, of which a run's folder may hold one.
fn is_read(name: &str) -> bool {
    records::TABLES.contains(&name)
        || [records::CONFIG, records::RUN, page::SPECTRUM].contains(&name)
}

/// A grid file, as far as the list of its runs.
pub fn grid(text: &str) {
    let grid = Grid::read("fuzz", text, "the fuzzer", &[], &[], |_| {});
    let _ = grid.map(|grid| grid.cells());
}

/// A results folder with the runs in `text`, as far as its page, tables, pictures, exports, and what `watch` says.
/// `==== a/` or `==== b/`, a name and a line break begin a file of one of two runs; other names are passed over.
pub fn results(text: &str, scratch: &Path) {
    let folder = scratch.join("results");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to write in");
    for part in text.split("==== ") {
        let (path, content) = part.split_once('\n').unwrap_or((part, ""));
        let Some((run @ ("a" | "b"), name)) = path.split_once('/') else {
            continue;
        };
        if is_read(name) {
            fs::create_dir_all(folder.join(run)).expect("a folder to write in");
            fs::write(folder.join(run).join(name), content).expect("a folder to write in");
        }
    }
    let _ = page::write(&folder, None);
    let _ = watch::text_of(&folder);
    if let Ok(Contents { mut runs, .. }) = Contents::read(&folder) {
        let _ = table::text(&runs);
        let _ = report::pictures(&runs, &folder);
        // As `experiments export` does.
        runs.retain(|run| run.has_begun());
        let _ = tensorboard::write(&runs, &folder, &scratch.join("tensorboard"));
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

/// The head of a request to `experiments serve`, as far as the file that it asks for.
pub fn request(head: &[u8], results: &Path) {
    if let Ok(Some(request)) = Request::parse(head, Audience::Local)
        && let Some(path) = request.path.strip_prefix("/files/")
    {
        let _ = files::find(results, path);
    }
}
