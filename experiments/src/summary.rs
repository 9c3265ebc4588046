//! The numbers of finished runs, grouped: what tables, comparisons, pictures and pages show.

pub mod quantity;
mod settings;
pub mod sheet;
mod spread;

use crate::cell::CellConfig;
use crate::grid::loss_name;
use crate::method::{self, MethodConfig};
use crate::report::FinishedRun;

pub use settings::{Difference, differences};
pub use spread::{Kind, Spread, text};

/// Runs that differ in their seed only.
pub struct Entry<'a> {
    /// The method's name, and the options that tell it from another of the same name.
    pub label: String,
    pub runs: Vec<&'a FinishedRun>,
}

impl<'a> Entry<'a> {
    /// How many of the runs are in which state: `done`, or `done 2, diverged 1`.
    pub fn states(&self) -> String {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for run in &self.runs {
            let state = run.file.status.to_string();
            match counts.iter_mut().find(|(known, _)| *known == state) {
                Some((_, count)) => *count += 1,
                None => counts.push((state, 1)),
            }
        }
        match counts.as_slice() {
            [(state, _)] => state.clone(),
            counts => {
                let counts = counts
                    .iter()
                    .map(|(state, count)| format!("{state} {count}"));
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
    pub fn config(&self) -> &'a CellConfig {
        &self.runs[0].config
    }
}

/// `1 − c` of methods, above which their steps bring `η·λ₁`: each value once, from the least.
pub fn reaches<'a>(methods: impl Iterator<Item = &'a MethodConfig>) -> Vec<f64> {
    let mut reaches: Vec<f64> = methods.map(|of| 1.0 - of.sufficient_decrease()).collect();
    reaches.sort_by(f64::total_cmp);
    reaches.dedup();
    reaches
}

/// Numbers from the least, neighbours put together: `1, 5` or `0–9`.
pub fn listed(numbers: &[u64]) -> String {
    let stretches = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let stretches = stretches.flat_map(|stretch| match stretch {
        [first, _, .., last] => vec![format!("{first}–{last}")],
        few => few.iter().map(u64::to_string).collect(),
    });
    Vec::from_iter(stretches).join(", ")
}

/// Runs that differ in their method and their seed only.
pub struct Problem<'a> {
    pub entries: Vec<Entry<'a>>,
    /// The settings that tell it from another problem of the same data set, network and loss: `samples = 200`.
    pub settings: String,
    /// The data set, the network and the loss, and what else tells it from others of these.
    pub name: String,
}

impl Problem<'_> {
    /// The configuration of one of its runs.
    pub fn config(&self) -> &CellConfig {
        self.entries[0].config()
    }

    fn short_title(&self) -> String {
        let CellConfig {
            dataset,
            network,
            loss,
            ..
        } = self.config();
        format!("{dataset} × {} ({})", network.name(), loss_name(*loss))
    }

    /// The data set, the network, the loss and the size of the problem in a line.
    pub fn title(&self) -> String {
        let config = self.config();
        let CellConfig {
            dataset,
            network,
            loss,
            ..
        } = config;
        let samples = match config.first_per_class {
            None => format!("{} samples", config.samples),
            Some(count) => format!("{count} samples of each class"),
        };
        let length = match &config.mini_batches {
            None => format!("{} iterations", config.iterations),
            Some(batches) => format!(
                "{} epochs of batches of {}",
                batches.epochs, batches.batch_size
            ),
        };
        let settings = match self.settings.as_str() {
            "" => String::new(),
            settings => format!(", {settings}"),
        };
        format!(
            "{dataset} × {} ({}, {samples}, {length}{settings})",
            network.name(),
            loss_name(*loss)
        )
    }
}

/// Groups runs by problem and by method. Problems stay in the order of their first run; methods are in the paper's.
pub fn problems(runs: &[FinishedRun]) -> Vec<Problem<'_>> {
    let mut problems: Vec<Problem<'_>> = Vec::new();
    for run in runs {
        let entry = || Entry {
            label: run.config.method.label(),
            runs: vec![run],
        };
        let problem = (problems.iter_mut())
            .find(|problem| with_seed_of(problem.config(), &run.config).is_peer(&run.config));
        let Some(problem) = problem else {
            problems.push(Problem {
                entries: vec![entry()],
                settings: String::new(),
                name: String::new(),
            });
            continue;
        };
        match (problem.entries.iter_mut())
            .find(|entry| with_seed_of(entry.config(), &run.config) == run.config)
        {
            Some(entry) => entry.runs.push(run),
            None => problem.entries.push(entry()),
        }
    }
    for problem in &mut problems {
        problem.entries.sort_by(|a, b| {
            let rank = |entry: &Entry<'_>| {
                let name = entry.config().method.name();
                (method::NAMES.iter()).position(|known| *known == name)
            };
            let step_size = |entry: &Entry<'_>| entry.config().method.step_size().unwrap_or(0.0);
            (rank(a).cmp(&rank(b))).then(step_size(a).total_cmp(&step_size(b)))
        });
        for entry in &mut problem.entries {
            entry.runs.sort_by_key(|run| run.config.seed);
        }
        let labels: Vec<_> = (problem.entries.iter().map(|entry| entry.label.clone())).collect();
        let configs: Vec<_> = problem.entries.iter().map(Entry::config).collect();
        for (entry, told) in (problem.entries.iter_mut()).zip(told_apart(&labels, &configs)) {
            if !told.is_empty() {
                entry.label = format!("{} ({told})", entry.label);
            }
        }
    }
    let titles: Vec<_> = problems.iter().map(Problem::title).collect();
    // Methods and seeds are no part of a problem.
    let configs: Vec<CellConfig> = (problems.iter())
        .map(|problem| CellConfig {
            method: problems[0].config().method.clone(),
            ..with_seed_of(problem.config(), problems[0].config())
        })
        .collect();
    let names: Vec<_> = problems.iter().map(Problem::short_title).collect();
    let of_titles = told_apart(&titles, &Vec::from_iter(&configs));
    let of_names = told_apart(&names, &Vec::from_iter(&configs));
    for (index, problem) in problems.iter_mut().enumerate() {
        problem.settings.clone_from(&of_titles[index]);
        problem.name = match of_names[index].as_str() {
            "" => names[index].clone(),
            told => format!("{}, {told}", names[index]),
        };
    }
    problems
}

fn with_seed_of(config: &CellConfig, other: &CellConfig) -> CellConfig {
    CellConfig {
        seed: other.seed,
        ..config.clone()
    }
}

/// For each name, the settings in which the configurations of this name differ; nothing where it is the only one.
fn told_apart(names: &[String], configs: &[&CellConfig]) -> Vec<String> {
    let settings = |place: usize| {
        let alike = names.iter().enumerate();
        let alike = alike.filter(|(_, name)| **name == names[place]);
        let alike: Vec<usize> = alike.map(|(place, _)| place).collect();
        let configs: Vec<_> = alike.iter().map(|&place| configs[place]).collect();
        let own = (alike.iter().position(|&other| other == place)).expect("a name is like itself");
        let told = differences(&configs).into_iter().map(|difference| {
            let Difference { key, values } = difference;
            let value = values[own].as_deref().unwrap_or("none");
            // The method's own options need no `method.` before them beside its name.
            format!("{} = {value}", key.strip_prefix("method.").unwrap_or(&key))
        });
        Vec::from_iter(told).join(", ")
    };
    (0..names.len()).map(settings).collect()
}

#[cfg(test)]
mod tests;
