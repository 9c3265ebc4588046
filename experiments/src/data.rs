//! `experiments data`

use anyhow::Result;
use comfy_table::{Table, presets};

use crate::cli::DataArgs;
use crate::session::Ending;

/// Lists the data sets.
pub fn list(arguments: &DataArgs) -> Result<Ending> {
    let mut table = Table::new();
    todo!()
}
