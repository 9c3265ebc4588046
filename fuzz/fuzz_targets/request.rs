//! Requests to `experiments serve`, of a folder with one run, as far as the file that they ask for.
#![no_main]

#[path = "../../experiments/src/serve/files.rs"]
#[allow(dead_code, reason = "of a program, of which this reads a part")]
mod files;
#[path = "../../experiments/src/serve/request.rs"]
#[allow(dead_code, reason = "of a program, of which this reads a part")]
mod request;

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use request::{Audience, Request};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("quick/run")).expect("a folder to write in");
    fs::write(folder.path().join("quick/run/metrics.csv"), "").expect("a folder to write in");
    folder
});

fuzz_target!(|head: &[u8]| {
    if let Ok(Some(request)) = Request::parse(head, Audience::Local)
        && let Some(path) = request.path.strip_prefix("/files/")
    {
        let _ = files::find(FOLDER.path(), path);
    }
});
