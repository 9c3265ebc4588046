//! Readers of image data sets in their official file formats, with checks of every file, stratified subsets and
//! normalization.
//!
//! | set | classes | images | files |
//! |---|---|---|---|
//! | [CIFAR-10](Dataset::Cifar10) | 10 | 3×32×32 | binary version, as unpacked |
//! | [CIFAR-100](Dataset::Cifar100) | 100 | 3×32×32 | binary version, as unpacked |
//! | [SVHN](Dataset::Svhn) | 10 | 3×32×32 | cropped digits, MATLAB files |
//! | [EMNIST letters](Dataset::Emnist) | 26 | 1×28×28 | IDX, compressed or not |
//! | [MNIST](Dataset::Mnist) | 10 | 1×28×28 | IDX, compressed or not |
//! | [Fashion-MNIST](Dataset::FashionMnist) | 10 | 1×28×28 | IDX, compressed or not; a subset is built in |
//!
//! ```
//! use flatland_data::{Dataset, Selection, load};
//!
//! # fn main() -> Result<(), flatland_data::DataError> {
//! let data = load(Dataset::FashionMnist, "datasets".as_ref())?;
//! let train = data.train.select(Selection::Stratified { samples: 1000, seed: 42 })?;
//! assert_eq!(train.labels.len(), 1000);
//! let pixels = train.normalized_f32(Dataset::FashionMnist.normalization());
//! assert_eq!(pixels.len(), 1000 * 28 * 28);
//! # Ok(())
//! # }
//! ```

mod checksums;
mod dataset;
mod error;
mod formats;
mod inventory;
mod load;
mod samples;
mod selection;

pub use checksums::ChecksumState;
pub use dataset::{ChannelNorm, Dataset, Split, UnknownDataset};
pub use error::DataError;
pub use inventory::{DatasetStatus, inventory};
pub use load::{Loaded, Location, SourceFile, load};
pub use samples::Samples;
pub use selection::Selection;
