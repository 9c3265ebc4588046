//! The resident memory of this process, as Linux counts it.

use std::fs;

use anyhow::{Context, Result};

/// The resident memory in megabytes (10⁶ bytes).
///
/// # Errors
///
/// Returns an error on a system without `/proc/self/status`.
pub fn now() -> Result<f64> {
    status("VmRSS:")
}

/// The peak of resident memory since [`forget_peak`], in megabytes (10⁶ bytes).
///
/// # Errors
///
/// Returns an error on a system without `/proc/self/status`.
pub fn peak() -> Result<f64> {
    status("VmHWM:")
}

/// Resets the peak to the resident memory.
///
/// # Errors
///
/// Returns an error on a system without `/proc/self/clear_refs`.
pub fn forget_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5")
        .context("the peak of the memory is measured on Linux only")
}

fn status(name: &str) -> Result<f64> {
    let path = "/proc/self/status";
    let text =
        fs::read_to_string(path).with_context(|| format!("{path} is there on Linux only"))?;
    let kibibytes = (text.lines())
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
        .with_context(|| format!("{path} has no {name}"))?;
    Ok(kibibytes.parse::<f64>()? * 1024.0 / 1e6)
}
