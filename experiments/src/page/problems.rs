//! Runs put together: by problem, and there by method.

use super::gather::Found;
use crate::cell::CellConfig;
use crate::grid::loss_name;

/// Runs that differ in method and seed only.
pub struct Problem<'a> {
    /// Its section of the page.
    pub anchor: String,
    /// What else than data set, network and loss tells it from others: samples, length.
    pub settings: String,
    /// The runs by method, and there by seed.
    pub methods: Vec<Vec<&'a Found>>,
}

impl Problem<'_> {
    /// The configuration of one of its runs: what all have in common.
    pub fn config(&self) -> &CellConfig {
        &self.methods[0][0].run.config
    }

    /// What the section is called.
    pub fn title(&self) -> String {
        let CellConfig {
            dataset,
            network,
            loss,
            ..
        } = self.config();
        format!("{dataset} · {} · {}", network.name(), loss_name(*loss))
    }
}

impl Found {
    /// The loss after the last step; of a run under way, the last that is known.
    pub fn last_loss(&self) -> Option<f64> {
        let totals = &self.run.file.totals;
        totals
            .final_loss
            .or_else(|| self.run.losses().last().copied())
    }
}

/// Puts runs together, in the order in which problems and methods first appear.
pub fn problems(runs: &[Found]) -> Vec<Problem<'_>> {
    let mut problems: Vec<Problem<'_>> = Vec::new();
    for found in runs {
        let config = &found.run.config;
        let of_seed = |seed| CellConfig {
            seed,
            ..config.clone()
        };
        let known = (problems.iter_mut()).find(|problem| {
            let other = problem.config();
            other.is_peer(&of_seed(other.seed))
        });
        let problem = match known {
            Some(problem) => problem,
            None => {
                problems.push(Problem {
                    anchor: format!("problem-{}", problems.len() + 1),
                    settings: settings(config),
                    methods: Vec::new(),
                });
                problems.last_mut().expect("one was pushed")
            }
        };
        let of_method =
            (problem.methods.iter_mut()).find(|runs| runs[0].run.config.method == config.method);
        match of_method {
            Some(runs) => runs.push(found),
            None => problem.methods.push(vec![found]),
        }
    }
    for problem in &mut problems {
        for runs in &mut problem.methods {
            runs.sort_by_key(|found| found.run.config.seed);
        }
        problem.methods.sort_by_key(|runs| {
            let method = &runs[0].run.config.method;
            crate::method::NAMES
                .iter()
                .position(|name| *name == method.name())
        });
    }
    problems
}

fn settings(config: &CellConfig) -> String {
    let samples = match config.first_per_class {
        None => format!("{} samples", config.samples),
        Some(count) => format!("the first {count} samples of each class"),
    };
    let length = match config.mini_batches {
        None => format!("{} iterations", config.iterations),
        Some(batches) => format!(
            "{} epochs in batches of {}",
            batches.epochs, batches.batch_size
        ),
    };
    format!("{samples}, {length}, {}", config.dtype)
}
