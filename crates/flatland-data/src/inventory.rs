//! What is there.

use std::path::Path;

use crate::{DataError, Dataset, Loaded, load};

/// What is known of a data set under a folder.
#[derive(Debug)]
pub struct DatasetStatus {
    /// The data set.
    pub dataset: Dataset,
    /// Its samples and files, or why it cannot be used.
    pub found: Result<Loaded, DataError>,
}

/// Reads and checks every data set under `folder`.
pub fn inventory(folder: &Path) -> Vec<DatasetStatus> {
    let status = |dataset| DatasetStatus {
        dataset,
        found: load(dataset, folder),
    };
    Dataset::ALL.into_iter().map(status).collect()
}
