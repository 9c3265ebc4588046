//! A row of a summary: the runs of a method that differ in their seed only.

use flatland_config::RunConfig;
use flatland_records::{RunRecords, count_by_status};

/// Runs that differ in their seed only.
pub struct Entry<'a> {
    /// The method's name, and the options that tell it from another of the same name.
    pub label: String,
    /// The runs, by seed.
    pub runs: Vec<&'a RunRecords>,
}

impl<'a> Entry<'a> {
    /// How many of the runs have which status: `done`, or `done 2, diverged 1`.
    pub fn states(&self) -> String {
        let counts = count_by_status(self.runs.iter().map(|run| run.file.status));
        match counts.as_slice() {
            [(status, _)] => status.to_string(),
            counts => {
                let counts = counts
                    .iter()
                    .map(|(status, count)| format!("{status} {count}"));
                Vec::from_iter(counts).join(", ")
            }
        }
    }

    /// The seeds of the runs: `42`, `1, 5` or `0–9`.
    pub fn seeds(&self) -> String {
        let seeds = self.runs.iter().map(|run| run.config.seed);
        listed(&Vec::from_iter(seeds))
    }

    /// Whether all runs reached what they were asked for.
    pub fn is_success(&self) -> bool {
        self.runs.iter().all(|run| run.file.status.is_success())
    }

    /// The configuration of the run with the least seed.
    pub fn config(&self) -> &'a RunConfig {
        &self.runs[0].config
    }
}

/// Numbers in ascending order, with neighbours put together: `1, 5` or `0–9`.
pub fn listed(numbers: &[u64]) -> String {
    let stretches = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let stretches = stretches.flat_map(|stretch| match stretch {
        [first, _, .., last] => vec![format!("{first}–{last}")],
        few => few.iter().map(u64::to_string).collect(),
    });
    Vec::from_iter(stretches).join(", ")
}
