//! How many training samples a grid takes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use flatland_models::Architecture;
use serde::Deserialize;

/// Training samples.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Samples {
    /// The same number for every network.
    All(NonZeroUsize),
    /// A number for each network by name.
    ByNetwork(BTreeMap<String, NonZeroUsize>),
}

/// As many as the paper uses.
pub(super) const FULL: NonZeroUsize = NonZeroUsize::new(5000).expect("5000 is not zero");

impl Samples {
    pub(super) const ALLOWED: &str =
        "a whole number, at least 1, or one for each network, such as { mlp = 5000, cnn = 1000 }";

    pub(super) fn of(&self, network: &Architecture) -> Option<usize> {
        match self {
            Self::All(count) => Some(count.get()),
            Self::ByNetwork(counts) => counts.get(network.name()).map(|count| count.get()),
        }
    }

    pub(super) fn check(&self, networks: &[Architecture], problems: &mut Vec<String>) {
        let Self::ByNetwork(counts) = self else {
            return;
        };
        for name in counts.keys() {
            if let Err(problem) = Architecture::named(name) {
                problems.push(format!("samples: {problem}"));
            }
        }
        for network in networks {
            if self.of(network).is_none() {
                let name = network.name();
                problems.push(format!("samples: no number for {name}; add {name} = 5000"));
            }
        }
    }
}
