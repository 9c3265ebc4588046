//! What is wrong with the entries of a grid.

use std::borrow::Cow;

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};

use super::Grid;
use crate::run_config::input_shape;

impl Grid {
    /// Finds the methods whose options do not suit a problem of the grid. A list that could not be read stands for any
    /// entry, so that what is wrong with a method on every problem is found too.
    pub(super) fn check_methods(&self, problems: &mut Vec<String>) {
        let datasets = or_any(&self.datasets, Dataset::Cifar10);
        let networks = or_any(
            &self.networks,
            Architecture::named("mlp").expect("there is an MLP"),
        );
        let losses = or_any(&self.losses, Loss::Mse);
        for method in &self.methods {
            for &dataset in datasets.iter() {
                for network in networks.iter() {
                    for &loss in losses.iter() {
                        let context = self.context(dataset, network, loss);
                        if let Err(message) = method.resolve(&context) {
                            let message = format!("method {}: {message}", method.name());
                            if !problems.contains(&message) {
                                problems.push(message);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Finds what is wrong with single entries, or with two together.
    pub(super) fn check_entries(&self, problems: &mut Vec<String>) {
        for (index, network) in self.networks.iter().enumerate() {
            for dataset in &self.datasets {
                if let Err(problem) = network.check(input_shape(*dataset)) {
                    problems.push(format!("networks[{index}] on {dataset}: {problem}"));
                }
            }
        }
        duplicates(
            "datasets",
            &self.datasets,
            |dataset| dataset.to_string(),
            problems,
        );
        duplicates(
            "networks",
            &self.networks,
            |network| network.name().to_owned(),
            problems,
        );
        duplicates(
            "methods",
            &self.methods,
            |method| method.name().to_owned(),
            problems,
        );
        duplicates("losses", &self.losses, Loss::to_string, problems);
        duplicates("seeds", &self.seeds, u64::to_string, problems);
    }
}

fn or_any<T: Clone>(list: &[T], any: T) -> Cow<'_, [T]> {
    if list.is_empty() {
        vec![any].into()
    } else {
        list.into()
    }
}

fn duplicates<T: PartialEq>(
    key: &str,
    entries: &[T],
    name: impl Fn(&T) -> String,
    problems: &mut Vec<String>,
) {
    for (index, entry) in entries.iter().enumerate() {
        if entries[..index].contains(entry) {
            problems.push(format!("{key}[{index}]: {} is listed twice", name(entry)));
        }
    }
}
