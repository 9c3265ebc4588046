//! `--only`: some of the entries of a grid.

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};

use super::{Grid, loss_name};
use crate::method::MethodSpec;

impl Grid {
    /// Keeps the entries that `only` names, as in `network=mlp,cnn`.
    pub(super) fn narrow(mut self, only: &[String], problems: &mut Vec<String>) -> Self {
        for choice in only {
            let Some((key, wanted)) = choice.split_once('=') else {
                problems.push(format!(
                    "--only {choice}: expected key=value, such as method=nls"
                ));
                continue;
            };
            let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
            match key.trim() {
                "dataset" | "datasets" => {
                    keep(
                        &mut self.datasets,
                        choice,
                        &wanted,
                        Dataset::to_string,
                        problems,
                    );
                }
                "network" | "networks" => {
                    let name = |network: &Architecture| network.name().to_owned();
                    keep(&mut self.networks, choice, &wanted, name, problems);
                }
                "method" | "methods" => {
                    let name = |method: &MethodSpec| method.name().to_owned();
                    keep(&mut self.methods, choice, &wanted, name, problems);
                }
                "loss" | "losses" => {
                    let name = |loss: &Loss| loss_name(*loss).to_owned();
                    keep(&mut self.losses, choice, &wanted, name, problems);
                }
                "seed" | "seeds" => {
                    keep(&mut self.seeds, choice, &wanted, u64::to_string, problems);
                }
                _ => problems.push(format!(
                    "--only {choice}: the key must be dataset, network, method, loss or seed"
                )),
            }
        }
        self
    }
}

fn keep<T>(
    entries: &mut Vec<T>,
    choice: &str,
    wanted: &[&str],
    name: impl Fn(&T) -> String,
    problems: &mut Vec<String>,
) {
    let names: Vec<String> = entries.iter().map(&name).collect();
    for value in wanted {
        if !names.iter().any(|name| name == value) {
            let names = names.join(", ");
            problems.push(format!(
                "--only {choice}: the grid has no {value:?}; it has {names}"
            ));
        }
    }
    entries.retain(|entry| wanted.contains(&name(entry).as_str()));
}
