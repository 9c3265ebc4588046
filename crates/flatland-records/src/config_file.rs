//! The file `config.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use flatland_config::RunConfig;

use crate::disk::{read_file, write_whole};
use crate::files;

/// Reads the configuration of the run in a directory.
///
/// # Errors
///
/// `config.toml` cannot be read, or holds no configuration that this program could have written.
pub fn read_config(directory: &Path) -> Result<RunConfig> {
    let path = directory.join(files::CONFIG);
    let text = read_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parse = || -> Result<RunConfig> { Ok(RunConfig::from_toml(str::from_utf8(&text)?)?) };
    parse().with_context(|| format!("{} is no configuration", path.display()))
}

/// Writes the configuration of the run in a directory.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_config(directory: &Path, config: &RunConfig) -> Result<()> {
    write_whole(&directory.join(files::CONFIG), config.to_toml().as_bytes())
}
