//! Checkpoints whose checksum fits, so that what it covers is read.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fuzz_target!(|bytes: &[u8]| experiments::fuzzing::checkpoint(bytes, FOLDER.path()));
