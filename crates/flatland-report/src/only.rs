//! `--only`: some of the runs in a folder.

use anyhow::{Result, bail};
use flatland_config::Only;
use flatland_records::RunRecords;

/// Keeps the runs that the choices name, as in `network=mlp,cnn`.
///
/// # Errors
///
/// A choice is malformed, or names a value that no run has.
pub fn keep_only(runs: &mut Vec<RunRecords>, choices: &[String]) -> Result<()> {
    for choice in choices {
        let only = Only::parse(choice).map_err(anyhow::Error::msg)?;
        let mut names: Vec<String> = runs.iter().map(|run| only.key.value(&run.config)).collect();
        names.sort();
        names.dedup();
        if let Some(value) = only.unknown(&names).next() {
            bail!(
                "--only {choice}: no run of this figure has {value:?}; there is {}",
                names.join(", ")
            );
        }
        runs.retain(|run| only.keeps(&only.key.value(&run.config)));
    }
    Ok(())
}
