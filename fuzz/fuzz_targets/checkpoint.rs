//! Checkpoints whose checksum fits, so that what it covers is read: of this version, and of the first.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use burn::tensor::Device;
use flatland_runner::checkpoint::{self, Checkpoint};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fn read(name: &str, bytes: &[u8]) {
    let path = FOLDER.path().join(name);
    fs::write(&path, bytes).expect("a folder to write in");
    let _ = Checkpoint::read(&path, &Device::flex());
}

fuzz_target!(|bytes: &[u8]| {
    match checkpoint::sealed(bytes) {
        Ok(sealed) => read(checkpoint::NEWEST, &sealed),
        Err(_) => {
            let sealed = [bytes, blake3::hash(bytes).as_bytes()].concat();
            read(checkpoint::NEWEST_OF_FIRST_VERSION, &sealed);
        }
    }
});
