//! The available data sets.

use std::path::Path;

use crate::{DataError, Dataset, Loaded, load};

/// The state of a data set in a data folder.
#[derive(Debug)]
pub struct DatasetStatus {
    /// The data set.
    pub dataset: Dataset,
    /// The samples and files, or the reason why the data set cannot be used. [`DataError::Missing`] names all missing
    /// files.
    pub found: Result<Loaded, DataError>,
}

/// Reads and checks all data sets under `folder`. The iterator reads each data set on demand, because all complete sets
/// together take more than a gigabyte of memory.
pub fn inventory(folder: &Path) -> impl Iterator<Item = DatasetStatus> {
    Dataset::ALL.into_iter().map(move |dataset| DatasetStatus {
        dataset,
        found: load(dataset, folder),
    })
}
