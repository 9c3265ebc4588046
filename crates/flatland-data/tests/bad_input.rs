//! Invalid files are errors with a reason, and never panics.

use std::path::Path;

use flatland_data::{DataError, Dataset, Split, load};
use proptest::prelude::*;

/// Writes a small, correct data set under `folder`.
fn write_valid(dataset: Dataset, folder: &Path) {
    let folder = folder.join(dataset.folder());
    std::fs::create_dir_all(&folder).unwrap();
    for split in [Split::Train, Split::Test] {
        for name in dataset.files(split) {
            let name = name.strip_suffix(".gz").unwrap_or(name);
            std::fs::write(folder.join(name), valid_file(dataset, name)).unwrap();
        }
    }
}

/// Three samples with labels 1, 2, 3.
fn valid_file(dataset: Dataset, name: &str) -> Vec<u8> {
    let header = |dimensions: &[u32]| -> Vec<u8> {
        let sizes = dimensions.iter().flat_map(|d| d.to_be_bytes());
        [0, 0, 8, dimensions.len() as u8]
            .into_iter()
            .chain(sizes)
            .collect()
    };
    match dataset {
        Dataset::Cifar10 => (1..4)
            .flat_map(|label| [vec![label], vec![7; 3072]].concat())
            .collect(),
        Dataset::Cifar100 => (1..4)
            .flat_map(|label| [vec![0, label], vec![7; 3072]].concat())
            .collect(),
        Dataset::Svhn => svhn(),
        _ if name.contains("images") => [header(&[3, 28, 28]), vec![7; 3 * 784]].concat(),
        _ => [header(&[3]), vec![1, 2, 3]].concat(),
    }
}

/// A MATLAB file without compression.
fn svhn() -> Vec<u8> {
    let element = |kind: u32, content: &[u8]| -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (content.len() as u32).to_le_bytes()].concat();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let matrix = |name: &[u8], dimensions: &[u32], values: &[u8]| {
        let dimensions: Vec<u8> = dimensions.iter().flat_map(|d| d.to_le_bytes()).collect();
        let parts = [
            element(6, &[9, 0, 0, 0, 0, 0, 0, 0]),
            element(5, &dimensions),
            element(1, name),
            element(2, values),
        ];
        element(14, &parts.concat())
    };
    let mut bytes = vec![b' '; 124];
    bytes.extend([0, 1, b'I', b'M']);
    bytes.extend(matrix(b"X", &[32, 32, 3, 3], &[7; 3 * 3072]));
    bytes.extend(matrix(b"y", &[3, 1], &[1, 2, 3]));
    bytes
}

/// The first file of the training set, as [`write_valid`] names it.
fn first_file(dataset: Dataset, folder: &Path) -> std::path::PathBuf {
    let name = dataset.files(Split::Train)[0];
    folder
        .join(dataset.folder())
        .join(name.strip_suffix(".gz").unwrap_or(name))
}

#[test]
fn small_valid_sets_are_read() {
    for dataset in Dataset::ALL {
        let folder = tempfile::tempdir().unwrap();
        write_valid(dataset, folder.path());
        let data = load(dataset, folder.path()).unwrap();
        let first = if dataset == Dataset::Emnist {
            [0, 1, 2]
        } else {
            [1, 2, 3]
        };
        assert_eq!(data.train.labels[..3], first, "{dataset}");
        assert_eq!(
            data.train.pixels() * data.train.len(),
            data.train.images.len()
        );
    }
}

#[test]
fn missing_empty_truncated_and_foreign_files_are_refused_by_name() {
    for dataset in Dataset::ALL {
        let folder = tempfile::tempdir().unwrap();
        write_valid(dataset, folder.path());
        let path = first_file(dataset, folder.path());
        let valid = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = load(dataset, folder.path()).unwrap_err();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(error.to_string().contains(&name), "{dataset}: {error}");
            error
        };
        refused(&[]);
        refused(&valid[..valid.len() - 1]);
        let page = refused(b"<!DOCTYPE html>\n<html><body>404</body></html>");
        assert!(
            matches!(page, DataError::WebPage { .. }),
            "{dataset}: {page}"
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let unreadable = load(dataset, folder.path()).unwrap_err();
        assert!(
            matches!(unreadable, DataError::Read { .. }),
            "{dataset}: {unreadable}"
        );
    }
}

#[test]
fn all_missing_files_are_named() {
    for dataset in Dataset::ALL {
        let folder = tempfile::tempdir().unwrap();
        write_valid(dataset, folder.path());
        let last = *dataset.files(Split::Test).last().unwrap();
        let removed = folder.path().join(dataset.folder()).join(last);
        std::fs::remove_file(removed.with_extension(""))
            .or_else(|_| std::fs::remove_file(&removed))
            .unwrap();
        std::fs::remove_file(first_file(dataset, folder.path())).unwrap();
        let error = load(dataset, folder.path()).unwrap_err();
        let DataError::Missing { files, .. } = &error else {
            panic!("{dataset}: {error}");
        };
        assert_eq!(*files, [dataset.files(Split::Train)[0], last], "{dataset}");
    }
}

#[test]
fn images_without_labels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_valid(Dataset::Mnist, folder.path());
    let labels = folder.path().join("mnist/train-labels-idx1-ubyte");
    std::fs::write(labels, [0, 0, 8, 1, 0, 0, 0, 2, 1, 2]).unwrap();
    let error = load(Dataset::Mnist, folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::Count {
                images: 3,
                labels: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_gzip_name_needs_gzip_bytes_that_unpack() {
    let folder = tempfile::tempdir().unwrap();
    write_valid(Dataset::Mnist, folder.path());
    let path = folder.path().join("mnist/train-images-idx3-ubyte.gz");
    for (bytes, is_expected) in [
        (
            valid_file(Dataset::Mnist, "images"),
            (|e| matches!(e, DataError::Magic { .. })) as fn(&DataError) -> bool,
        ),
        (vec![0x1f, 0x8b, 8, 0, 1, 2, 3], |e| {
            matches!(e, DataError::Compression { .. })
        }),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = load(Dataset::Mnist, folder.path()).unwrap_err();
        assert!(is_expected(&error), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(which in 0..6usize, bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let dataset = Dataset::ALL[which];
        let folder = tempfile::tempdir().unwrap();
        write_valid(dataset, folder.path());
        std::fs::write(first_file(dataset, folder.path()), bytes).unwrap();
        let _ = load(dataset, folder.path());
    }

    #[test]
    fn damaged_files_never_panic(
        which in 0..6usize,
        length in 0.0..1.0f64,
        flips in prop::collection::vec((0..400usize, any::<u8>()), 0..6),
    ) {
        let dataset = Dataset::ALL[which];
        let folder = tempfile::tempdir().unwrap();
        write_valid(dataset, folder.path());
        let path = first_file(dataset, folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let end = bytes.len();
        for (place, value) in flips {
            bytes[place % end] ^= value; // headers lie in the first few hundred bytes
        }
        if length < 0.5 {
            bytes.truncate((length * 2.0 * end as f64) as usize);
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(data) = load(dataset, folder.path()) {
            prop_assert_eq!(data.train.images.len(), data.train.len() * data.train.pixels());
            prop_assert!(data.train.labels.iter().all(|&label| usize::from(label) < data.train.classes));
        }
    }

    #[test]
    fn damaged_compressed_files_never_panic(flips in prop::collection::vec((0..2567usize, any::<u8>()), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        write_valid(Dataset::FashionMnist, folder.path());
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../datasets/fashion-mnist/train-labels-idx1-ubyte.gz");
        let mut bytes = std::fs::read(shipped).unwrap();
        for (place, value) in flips {
            let end = bytes.len();
            bytes[place % end] ^= value;
        }
        std::fs::write(folder.path().join("fashion-mnist/train-labels-idx1-ubyte.gz"), bytes).unwrap();
        let _ = load(Dataset::FashionMnist, folder.path());
    }
}

/// A file that has no end, or gigabytes of holes, is given up early.
#[test]
fn a_file_that_is_far_too_long_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    for dataset in [Dataset::Cifar100, Dataset::Svhn, Dataset::Mnist] {
        write_valid(dataset, folder.path());
        let name = dataset.files(Split::Train)[0];
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let path = folder.path().join(dataset.folder()).join(name);
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = load(dataset, folder.path()).unwrap_err();
        assert!(
            matches!(error, DataError::TooLarge { .. }) && error.to_string().contains(name),
            "{error}"
        );
    }
}
