//! How many training samples a grid takes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use flatland_data::Dataset;
use flatland_models::Architecture;
use serde::Deserialize;

use super::reader::Reader;

/// Training samples.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum SampleCount {
    /// The same number for every network.
    All(NonZeroUsize),
    /// A number for each network by name.
    ByNetwork(BTreeMap<String, NonZeroUsize>),
    /// The first so many of each class, in the order of the files: a key of its own.
    #[serde(skip)]
    FirstPerClass(NonZeroUsize),
}

/// As many as the paper uses.
const FULL: NonZeroUsize = NonZeroUsize::new(5000).expect("5000 is not zero");

impl SampleCount {
    /// The largest number: more than any of the data sets has.
    const MOST: usize = 10_000_000;
    const ALLOWED: &str =
        "a whole number, at least 1, or one for each network, such as { mlp = 5000, cnn = 1000 }";

    /// Takes the key out of a grid that says which.
    pub(super) fn read(reader: &mut Reader) -> Self {
        let first = reader.take("first_per_class", "a whole number, at least 1");
        first
            .map(Self::FirstPerClass)
            .unwrap_or_else(|| (reader.take("samples", Self::ALLOWED)).unwrap_or(Self::All(FULL)))
    }

    pub(super) fn of(&self, dataset: Dataset, network: &Architecture) -> Option<usize> {
        match self {
            Self::All(count) => Some(count.get()),
            Self::ByNetwork(counts) => counts.get(network.name()).map(|count| count.get()),
            Self::FirstPerClass(count) => count.get().checked_mul(dataset.classes()),
        }
    }

    pub(super) fn first_per_class(&self) -> Option<usize> {
        match self {
            Self::FirstPerClass(count) => Some(count.get()),
            Self::All(_) | Self::ByNetwork(_) => None,
        }
    }

    pub(super) fn check(&self, networks: &[Architecture], problems: &mut Vec<String>) {
        let counts = match self {
            Self::ByNetwork(counts) => counts,
            Self::All(count) => return check_count("samples", "", *count, problems),
            Self::FirstPerClass(count) => {
                return check_count("first_per_class", "", *count, problems);
            }
        };
        for (name, count) in counts {
            check_count("samples", &format!(" of {name}"), *count, problems);
        }
        for name in counts.keys() {
            if let Err(problem) = Architecture::named(name) {
                problems.push(format!("samples: {problem}"));
            }
        }
        for network in networks {
            if !counts.contains_key(network.name()) {
                let name = network.name();
                problems.push(format!("samples: no number for {name}; add {name} = 5000"));
            }
        }
    }
}

fn check_count(key: &str, of: &str, count: NonZeroUsize, problems: &mut Vec<String>) {
    if count.get() > SampleCount::MOST {
        problems.push(format!(
            "{key} = {count}{of}: expected at most {}",
            SampleCount::MOST
        ));
    }
}
