//! Reading the rows of CSV files.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::disk::read_file;

/// Reads the rows of a CSV file. There are none if there is no such file, as in a run that failed before its first
/// iteration.
///
/// # Errors
///
/// The file cannot be read, or a row has other columns.
pub fn read_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_reader(Cursor::new(whole_rows(path)?));
    (reader.deserialize().collect::<Result<_, _>>())
        .with_context(|| format!("{} does not hold the rows expected", path.display()))
}

/// The text of a CSV file without a half-written last row, which a run that was killed or is under way may leave.
pub(crate) fn whole_rows(path: &Path) -> Result<Vec<u8>> {
    let mut text = read_file(path).with_context(|| format!("cannot read {}", path.display()))?;
    let end = text.iter().rposition(|&byte| byte == b'\n');
    let end = end.map_or(0, |place| place + 1);
    if end < text.len() {
        warn!(
            "{}: the last row is half-written and left out",
            path.display()
        );
        text.truncate(end);
    }
    Ok(text)
}
