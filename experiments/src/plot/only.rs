//! `--only`: some of the runs in a folder, as `experiments run` makes some of a grid's.

use anyhow::{Result, bail, ensure};

use crate::grid::loss_name;
use crate::report::FinishedRun;

/// Keeps the runs that the choices name, as in `network=mlp,cnn`.
///
/// # Errors
///
/// A choice that names what no run has.
pub fn keep(runs: &mut Vec<FinishedRun>, choices: &[String]) -> Result<()> {
    for choice in choices {
        let Some((key, wanted)) = choice.split_once('=') else {
            bail!("--only {choice}: expected key=value, such as dataset=svhn");
        };
        let name = of(key.trim());
        let Some(name) = name else {
            bail!("--only {choice}: the key must be dataset, network, method, loss or seed");
        };
        let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
        let mut names: Vec<String> = runs.iter().map(name).collect();
        names.sort();
        names.dedup();
        for value in &wanted {
            ensure!(
                names.iter().any(|name| name == value),
                "--only {choice}: no run of this figure has {value:?}; there is {}",
                names.join(", ")
            );
        }
        runs.retain(|run| wanted.contains(&name(run).as_str()));
    }
    Ok(())
}

/// What a key tells runs apart by; the keys are those of `experiments run`.
fn of(key: &str) -> Option<fn(&FinishedRun) -> String> {
    Some(match key {
        "dataset" | "datasets" => |run| run.config.dataset.to_string(),
        "network" | "networks" => |run| run.config.network.name().to_owned(),
        "method" | "methods" => |run| run.config.method.name().to_owned(),
        "loss" | "losses" => |run| loss_name(run.config.loss).to_owned(),
        "seed" | "seeds" => |run| run.config.seed.to_string(),
        _ => return None,
    })
}
