//! The records of a run: its files in the order of `FILES`, a line of four equals signs between them.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const FILES: [&str; 11] = [
    "config.toml",
    "run.json",
    "metrics.csv",
    "epochs.csv",
    "sharpness.csv",
    "diagnostics.csv",
    "gradient_norms.csv",
    "segment.csv",
    "smoothness.csv",
    "large_steps.csv",
    "spectrum.json",
];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fuzz_target!(|text: &str| {
    let folder = FOLDER.path().join("results");
    let run = folder.join("run");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&run).expect("a folder to write in");
    for (name, text) in FILES.into_iter().zip(text.split("====\n")) {
        if !text.is_empty() {
            fs::write(run.join(name), text).expect("a folder to write in");
        }
    }
    experiments::fuzzing::results(&folder);
});
