//! The files of the data sets: the first byte says which set, the rest is its files, `====` between them: those of the
//! training set, then those of the test set, from the first again where there are too few. An empty one is not there.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use flatland_data::{Dataset, Split, load};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"====";
    let (mut parts, mut rest) = (Vec::new(), bytes);
    let next = |rest: &[u8]| rest.windows(BETWEEN.len()).position(|at| at == BETWEEN);
    while let Some(place) = next(rest) {
        parts.push(&rest[..place]);
        rest = &rest[place + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, files)) = bytes.split_first() else {
        return;
    };
    let parts = split(files);
    // Fashion-MNIST without files would come from the program.
    if parts.iter().all(|part| part.is_empty()) {
        return;
    }
    let sets = Dataset::ALL;
    let dataset = sets[usize::from(choice) % sets.len()];
    // Names that end in .gz are for what is packed, unless the choice asks for the mistake.
    let is_mistaken = choice >= 128;
    let folder = FOLDER.path().join(dataset.folder());
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder to write in");
    let names = [Split::Train, Split::Test]
        .map(|split| dataset.files(split))
        .concat();
    for (name, &part) in names.into_iter().zip(parts.iter().cycle()) {
        let name = match part.starts_with(&[0x1f, 0x8b]) || is_mistaken {
            true => name,
            false => name.trim_end_matches(".gz"),
        };
        if !part.is_empty() {
            fs::write(folder.join(name), part).expect("a folder to write in");
        }
    }
    let _ = load(dataset, FOLDER.path());
});
