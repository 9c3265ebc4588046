//! The data sets of runs.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use flatland_config::RunConfig;
use flatland_data::{Dataset, Loaded};

use crate::run::training_samples;

/// Reads every data set of the runs, and checks that each run finds its training samples there. Returns the data only
/// if `keep` is given, as for runs that are made in this process.
///
/// # Errors
///
/// A data set cannot be read, or has too few samples.
pub fn load_data(
    runs: &[RunConfig],
    folder: &Path,
    keep: bool,
) -> Result<Option<HashMap<Dataset, Loaded>>> {
    let mut kept = HashMap::new();
    let mut datasets: Vec<Dataset> = Vec::new();
    for run in runs {
        if !datasets.contains(&run.dataset) {
            datasets.push(run.dataset);
        }
    }
    for dataset in datasets {
        let loaded = flatland_data::load(dataset, folder)?;
        for run in runs.iter().filter(|run| run.dataset == dataset) {
            training_samples(run, &loaded).with_context(|| match run.first_per_class {
                Some(count) => format!("first_per_class = {count} on {dataset}"),
                None => format!("samples = {} on {dataset}", run.samples),
            })?;
        }
        if keep {
            kept.insert(dataset, loaded);
        }
    }
    Ok(keep.then_some(kept))
}
