//! Finished runs for other programs.

mod events;
#[cfg(feature = "parquet")]
pub mod parquet;
mod points;
pub mod tensorboard;
