//! `--only`: some of the entries of a grid.

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};

use super::Grid;
use crate::method_spec::MethodSpec;
use crate::only::{Only, OnlyKey};

impl Grid {
    /// Keeps the entries that the choices name, as in `network=mlp,cnn`.
    pub(super) fn narrow(&mut self, choices: &[String], problems: &mut Vec<String>) {
        for choice in choices {
            let only = match Only::parse(choice) {
                Ok(only) => only,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let narrowing = Narrowing {
                choice,
                only: &only,
                problems,
            };
            match only.key {
                OnlyKey::Dataset => narrowing.keep(&mut self.datasets, Dataset::to_string),
                OnlyKey::Network => {
                    let name = |network: &Architecture| network.name().to_owned();
                    narrowing.keep(&mut self.networks, name);
                }
                OnlyKey::Method => {
                    let name = |method: &MethodSpec| method.name().to_owned();
                    narrowing.keep(&mut self.methods, name);
                }
                OnlyKey::Loss => narrowing.keep(&mut self.losses, Loss::to_string),
                OnlyKey::Seed => narrowing.keep(&mut self.seeds, u64::to_string),
            }
        }
    }
}

/// A choice, and where its problems are collected.
struct Narrowing<'a> {
    choice: &'a str,
    only: &'a Only,
    problems: &'a mut Vec<String>,
}

impl Narrowing<'_> {
    fn keep<T>(self, entries: &mut Vec<T>, name: impl Fn(&T) -> String) {
        let names: Vec<String> = entries.iter().map(&name).collect();
        for value in self.only.unknown(&names) {
            self.problems.push(format!(
                "--only {}: the grid has no {value:?}; it has {}",
                self.choice,
                names.join(", ")
            ));
        }
        entries.retain(|entry| self.only.keeps(&name(entry)));
    }
}
