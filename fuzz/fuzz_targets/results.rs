//! The records of up to two runs; what they look like is said at `experiments::fuzzing::results`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fuzz_target!(|text: &str| experiments::fuzzing::results(text, FOLDER.path()));
