//! Whole data sets: the built-in subset, and the data sets in the project's folder if they exist.

use std::path::{Path, PathBuf};

use flatland_data::{
    ChecksumState, DataError, Dataset, Loaded, Location, Selection, Split, inventory, load,
};

fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// Every channel of the normalized training set has about mean 0 and standard deviation 1.
fn check_normalization(dataset: Dataset, data: &Loaded, tolerance: f64) {
    let values = data.train.normalized_f64(dataset.normalization());
    let plane = data.train.pixels() / dataset.channels();
    for channel in 0..dataset.channels() {
        let planes = values
            .chunks(plane)
            .skip(channel)
            .step_by(dataset.channels());
        let (mean, std) = mean_and_std(&planes.flatten().copied().collect::<Vec<_>>());
        assert!(
            mean.abs() < tolerance,
            "{dataset}, channel {channel}: mean {mean}"
        );
        assert!(
            (std - 1.0).abs() < tolerance,
            "{dataset}, channel {channel}: std {std}"
        );
    }
}

#[test]
fn the_built_in_subset_is_balanced_and_normalized() {
    let data = load(Dataset::FashionMnist, Path::new("no such folder")).unwrap();
    assert_eq!(data.train.class_sizes(), [500; 10]);
    assert_eq!(data.test.class_sizes(), [200; 10]);
    check_normalization(Dataset::FashionMnist, &data, 0.02);
    for file in &data.files {
        assert!(matches!(file.location, Location::Embedded(_)));
        assert_eq!(file.state, ChecksumState::Subset, "{}", file.location);
    }
    assert_eq!(data.state(), ChecksumState::Subset);
    let subset = data
        .train
        .select(Selection::Stratified {
            samples: 1003,
            seed: 42,
        })
        .unwrap();
    assert_eq!(subset.class_sizes(), [100; 10]);
}

/// Files that are there come first; built-in ones never stand in for some of them.
#[test]
fn the_built_in_subset_is_all_or_nothing() {
    let data_folder = tempfile::tempdir().unwrap();
    let folder = data_folder.path().join("fashion-mnist");
    std::fs::create_dir(&folder).unwrap();
    let built_in = load(Dataset::FashionMnist, data_folder.path()).unwrap();
    assert!(matches!(built_in.files[0].location, Location::Embedded(_)));

    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/fashion-mnist");
    for name in [Split::Train, Split::Test]
        .map(|split| Dataset::FashionMnist.files(split))
        .concat()
    {
        let copied = std::fs::copy(shipped.join(name), folder.join(name)).unwrap();
        let loaded = load(Dataset::FashionMnist, data_folder.path());
        let Ok(loaded) = loaded else {
            assert!(matches!(loaded, Err(DataError::Missing { .. })));
            continue;
        };
        let last = loaded.files.last().unwrap();
        assert_eq!(last.location, Location::Path(folder.join(name)));
        assert_eq!(last.bytes, copied);
        assert_eq!(loaded.train, built_in.train);
        assert_eq!(loaded.files.len(), 4);
        return;
    }
    panic!("the whole set was not read");
}

/// The data beside the project, or nothing, said so.
fn beside() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !folder.is_dir() {
        println!("skipped: {} is absent", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn every_subset_beside_the_project_is_read_whole() {
    let Some(folder) = beside() else { return };
    for (dataset, train, test) in [
        (Dataset::Cifar10, vec![500; 10], vec![100; 10]),
        (Dataset::Cifar100, vec![50; 100], vec![10; 100]),
        (Dataset::Svhn, vec![500; 10], vec![100; 10]),
        (Dataset::Emnist, vec![192; 26], vec![80; 26]),
        (Dataset::Mnist, vec![500; 10], Vec::new()),
        (Dataset::FashionMnist, vec![500; 10], vec![200; 10]),
    ] {
        let data = load(dataset, &folder).unwrap();
        assert_eq!(data.train.class_sizes(), train, "{dataset}");
        match dataset {
            Dataset::Mnist => assert_eq!(data.test.len(), 2000), // in their natural shares
            _ => assert_eq!(data.test.class_sizes(), test, "{dataset}"),
        }
        assert!(
            data.files
                .iter()
                .all(|file| file.state == ChecksumState::Subset),
            "{dataset}"
        );
        assert_eq!(data.state(), ChecksumState::Subset, "{dataset}");
        // SVHN's are drawn from its test set, whose brightness differs a little.
        check_normalization(
            dataset,
            &data,
            if dataset == Dataset::Svhn { 0.2 } else { 0.03 },
        );
    }
}

/// An upright I is a vertical bar; on disk, letters are transposed.
#[test]
fn emnist_letters_are_upright() {
    let Some(folder) = beside() else { return };
    let train = load(Dataset::Emnist, &folder).unwrap().train;
    let images = train.images.chunks(28 * 28).zip(&train.labels);
    let (mut along_rows, mut along_columns) = (0.0, 0.0);
    for (image, _) in images.filter(|(_, label)| **label == b'I' - b'A') {
        let at = |row: usize, column: usize| f64::from(image[row * 28 + column]);
        for i in 0..28 {
            for j in 1..28 {
                along_rows += (at(i, j) - at(i, j - 1)).abs();
                along_columns += (at(j, i) - at(j - 1, i)).abs();
            }
        }
    }
    assert!(
        along_rows > 1.3 * along_columns,
        "{along_rows} across, {along_columns} down"
    );
}

#[test]
fn the_inventory_tells_what_is_there_and_what_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let statuses: Vec<_> = inventory(folder.path()).collect();
    assert_eq!(statuses.len(), 6);
    for status in statuses {
        match status.dataset {
            Dataset::FashionMnist => assert_eq!(status.found.unwrap().train.len(), 5000),
            dataset => {
                let message = status.found.unwrap_err().to_string();
                let file = dataset.files(Split::Train)[0];
                assert!(
                    message.contains(file) && message.contains("datasets/README.md"),
                    "{message}"
                );
            }
        }
    }
}
