//! What is there.

use std::path::Path;

use crate::{DataError, Dataset, Loaded, load};

/// What is known of a data set under a folder.
#[derive(Debug)]
pub struct DatasetStatus {
    /// The data set.
    pub dataset: Dataset,
    /// Its samples and files, or why it cannot be used: [`DataError::Missing`] names every file that is not there.
    pub found: Result<Loaded, DataError>,
}

/// Reads and checks every data set under `folder`, one when it is asked for: the complete sets together take more than
/// a gigabyte of memory.
pub fn inventory(folder: &Path) -> impl Iterator<Item = DatasetStatus> {
    Dataset::ALL.into_iter().map(move |dataset| DatasetStatus {
        dataset,
        found: load(dataset, folder),
    })
}
