//! A results folder with up to two runs, as far as its page, tables, pictures, exports, and what `watch` says.
//!
//! `==== a/` or `==== b/`, a name and a line break begin a file of one of two runs. Other names are passed over.
#![no_main]

#[path = "../../experiments/src/watch.rs"]
#[allow(dead_code, unused_imports, reason = "of a program, of which this reads a part")]
mod watch;

use std::fs;
use std::sync::LazyLock;

use flatland_records::files;
use flatland_records::folder::FolderRecords;
use flatland_report::export::tensorboard;
use flatland_report::{page, pictures, summary};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

/// Whether the records of a run may have this name.
fn is_read(name: &str) -> bool {
    files::TABLES.contains(&name) || [files::CONFIG, files::RUN, files::SPECTRUM].contains(&name)
}

fuzz_target!(|text: &str| {
    let folder = FOLDER.path().join("results");
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
    if let Ok(FolderRecords { mut runs, .. }) = FolderRecords::read(&folder) {
        let _ = summary::summary_text(&runs);
        let _ = pictures(&runs, &folder);
        // As `experiments export` does.
        runs.retain(|run| run.has_begun());
        let _ = tensorboard::write(&runs, &folder, &FOLDER.path().join("tensorboard"));
    }
});
