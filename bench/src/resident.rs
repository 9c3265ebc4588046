//! The memory of this process that is resident, as Linux counts it.

use std::fs;

use anyhow::{Context, Result};

/// Megabytes (10⁶ bytes) resident now.
///
/// # Errors
///
/// A system without `/proc/self/status`.
pub fn now() -> Result<f64> {
    status("VmRSS:")
}

/// The most megabytes resident since [`forget_peak`].
///
/// # Errors
///
/// A system without `/proc/self/status`.
pub fn peak() -> Result<f64> {
    status("VmHWM:")
}

/// Lets the peak start anew from what is resident now.
///
/// # Errors
///
/// A system without `/proc/self/clear_refs`.
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
