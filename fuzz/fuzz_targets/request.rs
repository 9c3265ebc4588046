//! Requests to `experiments serve`, of a folder with one run.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("quick/run")).expect("a folder to write in");
    fs::write(folder.path().join("quick/run/metrics.csv"), "").expect("a folder to write in");
    folder
});

fuzz_target!(|head: &[u8]| experiments::fuzzing::request(head, FOLDER.path()));
