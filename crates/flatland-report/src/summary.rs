//! The numbers of finished runs, grouped: what tables, comparisons, pictures and pages show.
//!
//! Runs are grouped by problem, then by method; the runs of a row differ in their seed. Every number of a run has a
//! name ([`Quantity`]). The table at the end of a grid, `experiments table`, the page's table and comparisons are
//! [`Sheet`]s, which one writer turns into text, Markdown, LaTeX or CSV.

mod entry;
mod quantity;
mod settings;
mod sheet;
mod spread;
mod table;

use flatland_config::RunConfig;
use flatland_optim::MethodConfig;
use flatland_records::RunRecords;

pub use entry::{Entry, listed};
pub use quantity::{Better, Quantity};
pub use settings::{Difference, differences};
pub use sheet::{Heading, Sheet, SheetCell, SheetGroup, TableFormat};
pub use spread::{NumberKind, Spread, text};
pub use table::{
    Column, DEFAULT_COLUMNS, STATUS, columns, sheet, sort, summary_sheet, summary_text,
};

/// `1 − c` of methods, above which their steps bring `η·λ₁`: each value once, from the least.
pub fn reaches<'a>(methods: impl Iterator<Item = &'a MethodConfig>) -> Vec<f64> {
    let mut reaches: Vec<f64> = methods.map(|of| 1.0 - of.sufficient_decrease()).collect();
    reaches.sort_by(f64::total_cmp);
    reaches.dedup();
    reaches
}

/// Runs that differ in their method and their seed only.
pub struct Problem<'a> {
    /// The methods, in the paper's order.
    pub entries: Vec<Entry<'a>>,
    /// The settings that tell it from another problem of the same data set, network and loss: `samples = 200`.
    pub settings: String,
    /// The data set, the network and the loss, and what else tells it from others of these.
    pub name: String,
}

impl Problem<'_> {
    /// The configuration of one of its runs.
    pub fn config(&self) -> &RunConfig {
        self.entries[0].config()
    }

    fn short_title(&self) -> String {
        let RunConfig {
            dataset,
            network,
            loss,
            ..
        } = self.config();
        format!("{dataset} × {} ({})", network.name(), loss)
    }

    /// The data set, the network, the loss and the size of the problem in a line.
    pub fn title(&self) -> String {
        let config = self.config();
        let RunConfig {
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
            loss
        )
    }
}

/// Groups runs that differ in their method only, in the order of their first run.
pub fn peers<'a>(runs: impl IntoIterator<Item = &'a RunRecords>) -> Vec<Vec<&'a RunRecords>> {
    let mut groups: Vec<Vec<&RunRecords>> = Vec::new();
    for run in runs {
        match (groups.iter_mut()).find(|group| group[0].config.is_peer(&run.config)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    groups
}

/// Groups runs by problem and by method. Problems stay in the order of their first run; methods are in the paper's.
pub fn problems(runs: &[RunRecords]) -> Vec<Problem<'_>> {
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
                (MethodConfig::NAMES.iter()).position(|known| *known == name)
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
    let configs: Vec<RunConfig> = (problems.iter())
        .map(|problem| RunConfig {
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

fn with_seed_of(config: &RunConfig, other: &RunConfig) -> RunConfig {
    RunConfig {
        seed: other.seed,
        ..config.clone()
    }
}

/// For each name, the settings in which the configurations of this name differ; nothing where it is the only one.
fn told_apart(names: &[String], configs: &[&RunConfig]) -> Vec<String> {
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
