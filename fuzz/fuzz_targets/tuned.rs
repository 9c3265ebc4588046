//! Files of tuned step sizes.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use flatland_config::tuned::TunedEntries;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("tuned.toml");
    fs::write(&path, bytes).expect("a folder to write in");
    let _ = TunedEntries::read(&path);
});
