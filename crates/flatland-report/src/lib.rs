//! Reads finished or running runs, and makes tables, claims, comparisons, figures, pages and exports of them.
//!
//! Everything is made from records ([`flatland_records`]); nothing is computed on a device. [`series::Series`] says
//! which number of which record is the loss, `λ₁`, `η`, `η·λ₁` or the accuracy, for all of them.

#![warn(missing_docs)]

pub mod claims;
pub mod compare;
pub mod export;
pub mod figure;
mod only;
pub mod page;
pub mod paper_figure;
mod pictures;
pub mod series;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod thin;

pub use only::keep_only;
pub use pictures::pictures;
