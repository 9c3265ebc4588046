//! The last step of a grid's road: its runs on a device, fitted to a memory budget.

use anyhow::Result;
use flatland_config::{Chunk, Grid, RunConfig};

use crate::device::FoundDevice;
use crate::memory::{self, Budget};

/// The runs of a grid, ready to be made.
pub struct ResolvedGrid {
    /// The runs, in order.
    pub runs: Vec<RunConfig>,
    /// For each network and data set, the chunk, the Lanczos basis and the memory. Empty if the memory is unknown.
    pub memory_plans: Vec<String>,
    /// Whether the user should see the plans: a chunk was chosen, or a basis was cut.
    pub has_choices: bool,
}

/// Resolves a grid for a device and a memory budget.
///
/// # Errors
///
/// A run does not fit into a stated budget, or a chunk cannot be chosen without a budget.
pub fn resolve(grid: &Grid, device: &FoundDevice, budget: Option<Budget>) -> Result<ResolvedGrid> {
    let mut runs = grid.runs(device.name);
    let memory_plans = memory::fit(&mut runs, grid.chunk(), budget, &device.device)?;
    let is_cut = runs.iter().any(|run| run.lanczos_basis.is_some());
    Ok(ResolvedGrid {
        has_choices: grid.chunk() == Chunk::Auto || is_cut,
        runs,
        memory_plans,
    })
}
