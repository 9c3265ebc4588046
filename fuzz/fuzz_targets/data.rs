//! The files of the data sets: the first byte says which file of which set, the rest is the file. The other files of the
//! set are as it takes to come to this one.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use flatland_data::{Dataset, Split, load};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, file)) = bytes.split_first() else {
        return;
    };
    let sets = Dataset::ALL;
    let dataset = sets[usize::from(choice) % sets.len()];
    let folder = FOLDER.path().join(dataset.folder());
    fs::create_dir_all(&folder).expect("a folder to write in");
    for name in [Split::Train, Split::Test].map(|split| dataset.files(split)).concat() {
        fs::write(folder.join(name), file).expect("a folder to write in");
    }
    let _ = load(dataset, FOLDER.path());
});
