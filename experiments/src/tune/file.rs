//! The file with tuned step sizes: written by `experiments tune`, read by grids with `step_size = "tuned"`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use flatland_optim::SamConfig;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::cell::CellConfig;
use crate::cli::Criterion;
use crate::grid::loss_name;
use crate::method::MethodConfig;
use crate::records::{Status, write_whole};

/// The file's name where none is given, in the current folder.
pub const DEFAULT: &str = "tuned.toml";

const HEADER: &str =
    "# Step sizes chosen by `experiments tune`. A grid takes them with step_size = \"tuned\".\n\n";

/// What a step size is tuned for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub dataset: Dataset,
    pub loss: Loss,
    /// With all its options.
    pub network: Architecture,
    /// With all its options. Tasks that differ in the step size only are the same.
    pub method: MethodConfig,
}

impl Task {
    /// The task that a run is a candidate for.
    pub fn of(cell: &CellConfig) -> Self {
        Self {
            dataset: cell.dataset,
            loss: cell.loss,
            network: cell.network.clone(),
            method: cell.method.clone(),
        }
    }

    /// Whether the two differ in the step size at most.
    pub fn is_same(&self, other: &Self) -> bool {
        let at = |task: &Self| Self {
            method: task.method.with_step_size(1.0),
            ..task.clone()
        };
        at(self) == at(other)
    }

    /// The network's name, with its options where they are not the paper's.
    pub fn network(&self) -> String {
        let name = self.network.name();
        match Architecture::named(name) {
            Ok(usual) if usual == self.network => name.to_owned(),
            _ => with_options(name, &self.network),
        }
    }

    /// The method's name, with its options but for the step size where they are not the paper's.
    pub fn method(&self) -> String {
        let name = self.method.name();
        match &self.method {
            MethodConfig::Sam(sam) if *sam != SamConfig::new(sam.step_size) => {
                with_options(name, &self.method)
            }
            _ => name.to_owned(),
        }
    }
}

/// A name, and the options that are beside it and the step size in a configuration.
fn with_options(name: &str, config: &impl Serialize) -> String {
    let mut options = Table::try_from(config).expect("a configuration has a TOML form");
    options.remove("name");
    options.remove("step_size");
    format!("{name} {}", Value::Table(options))
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (method, network) = (self.method(), self.network());
        let loss = loss_name(self.loss);
        write!(f, "{method} on {} × {network} × {loss}", self.dataset)
    }
}

/// A step size that was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    pub step_size: f64,
    pub status: Status,
    /// Training loss after the last step, if finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_loss: Option<f64>,
    /// Share of the test samples classified rightly after the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
}

/// The step size chosen for a task, inside its method, and what it was chosen from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The criterion of the choice.
    pub by: Criterion,
    /// Iterations of each candidate.
    pub iterations: u64,
    /// Training samples asked for.
    pub samples: usize,
    pub seed: u64,
    #[serde(flatten)]
    pub task: Task,
    /// All step sizes tried.
    pub candidates: Vec<Candidate>,
}

/// The entries of a file, at most one for each task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    #[serde(default)]
    tuned: Vec<Entry>,
}

impl Entries {
    /// Reads a file; nothing if there is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or that `experiments tune` did not write.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let entries = toml::from_str(&text).with_context(|| {
            format!(
                "{} does not hold what `experiments tune` writes; move it away or name another file",
                path.display()
            )
        })?;
        Ok(Some(entries))
    }

    /// Puts an entry in the place of that of the same task, or at the end.
    pub fn insert(&mut self, entry: Entry) {
        match (self.tuned.iter_mut()).find(|known| known.task.is_same(&entry.task)) {
            Some(known) => *known = entry,
            None => self.tuned.push(entry),
        }
    }

    /// The method of a task, with the step size chosen for it.
    fn method(&self, task: &Task) -> Option<&MethodConfig> {
        (self.tuned.iter())
            .find(|entry| entry.task.is_same(task))
            .map(|entry| &entry.task.method)
    }

    /// Replaces the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).context("tuned step sizes have no TOML form")?;
        write_whole(path, format!("{HEADER}{text}").as_bytes())
    }
}

/// The tuned step sizes that a grid may ask for.
#[derive(Debug, Clone)]
pub struct Tuned {
    path: PathBuf,
    /// Nothing where there is no such file.
    entries: Option<Entries>,
}

impl Tuned {
    /// Those of a file that is not read yet.
    pub fn unread(path: PathBuf) -> Self {
        let entries = None;
        Self { path, entries }
    }

    /// Reads the file. That there is none is an error of the methods that ask for a step size.
    ///
    /// # Errors
    ///
    /// As [`Entries::read`].
    pub fn read(&mut self) -> Result<()> {
        self.entries = Entries::read(&self.path)?;
        Ok(())
    }

    /// The method of a task, with its tuned step size.
    ///
    /// # Errors
    ///
    /// The file or its entry is missing; with the command that makes it.
    pub fn method(&self, task: &Task) -> Result<MethodConfig, String> {
        let path = self.path.display();
        let reason = match &self.entries {
            None => format!("there is no file {path}"),
            Some(entries) => match entries.method(task) {
                Some(method) => return Ok(method.clone()),
                None => format!("{path} has no entry for it"),
            },
        };
        Err(format!(
            "step_size = \"tuned\": none for {task}: {reason}. Make it with the same grid: \
             experiments tune {} GRID.toml -o {path}",
            task.method.name()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: &str, network: &str, loss: Loss) -> Entry {
        Entry {
            by: Criterion::Loss,
            iterations: 5,
            samples: 60,
            seed: 42,
            task: Task {
                dataset: Dataset::Mnist,
                loss,
                network: toml::from_str(network).unwrap(),
                method: toml::from_str(method).unwrap(),
            },
            candidates: vec![
                Candidate {
                    step_size: 0.1,
                    status: Status::Done,
                    final_loss: Some(0.03),
                    test_accuracy: Some(0.5),
                },
                Candidate {
                    step_size: 10.0,
                    status: Status::Diverged,
                    final_loss: None,
                    test_accuracy: None,
                },
            ],
        }
    }

    const MLP: &str = "name = \"mlp\"";
    const GD: &str = "name = \"gd\"\nstep_size = 0.1";

    fn sam(step_size: f64, rho: f64) -> String {
        format!(
            "name = \"sam\"\nstep_size = {step_size:?}\nrho = {rho:?}\nmomentum = 0.9\nweight_decay = 1e-4"
        )
    }

    #[test]
    fn an_entry_replaces_that_of_its_task_only() {
        let others = [
            entry(GD, MLP, Loss::Mse),
            entry(&sam(0.1, 0.05), MLP, Loss::CrossEntropy),
            entry(
                &sam(0.1, 0.05),
                "name = \"cnn\"\nchannels = [4, 4]",
                Loss::Mse,
            ),
            entry(&sam(0.1, 0.2), MLP, Loss::Mse),
        ];
        let mut entries = Entries::default();
        entries.insert(entry(&sam(0.1, 0.05), MLP, Loss::Mse));
        others
            .iter()
            .for_each(|other| entries.insert(other.clone()));
        assert_eq!(entries.tuned.len(), 5);
        let replacement = entry(&sam(0.01, 0.05), MLP, Loss::Mse);
        entries.insert(replacement.clone());
        assert_eq!(entries.tuned[0], replacement);
        assert_eq!(entries.tuned[1..], others);
    }

    #[test]
    fn a_file_gives_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DEFAULT);
        assert_eq!(Entries::read(&path).unwrap(), None);
        let mut entries = Entries::default();
        entries.insert(entry(&sam(0.01, 0.05), MLP, Loss::Mse));
        entries.insert(entry(GD, MLP, Loss::CrossEntropy));
        entries.write(&path).unwrap();
        assert_eq!(Entries::read(&path).unwrap(), Some(entries));
        std::fs::write(&path, "datasets = [\"mnist\"]").unwrap();
        let message = format!("{:#}", Entries::read(&path).unwrap_err());
        assert!(
            message.contains("tune") && message.contains("datasets"),
            "{message}"
        );
    }

    #[test]
    fn a_task_gets_its_own_step_size_or_an_error_that_says_how_to_make_it() {
        let mut entries = Entries::default();
        entries.insert(entry(&sam(0.01, 0.05), MLP, Loss::Mse));
        let mut tuned = Tuned {
            path: "here.toml".into(),
            entries: Some(entries),
        };
        let wanted = |rho, loss| entry(&sam(1.0, rho), MLP, loss).task;
        let found = tuned.method(&wanted(0.05, Loss::Mse)).unwrap();
        assert_eq!(found.step_size(), Some(0.01));
        for missing in [wanted(0.05, Loss::CrossEntropy), wanted(0.1, Loss::Mse)] {
            let message = tuned.method(&missing).unwrap_err();
            assert!(message.contains("here.toml has no entry"), "{message}");
        }
        let message = tuned.method(&wanted(0.1, Loss::Mse)).unwrap_err();
        assert!(message.contains("sam { rho = 0.1,"), "{message}");
        tuned.entries = None;
        let message = tuned.method(&wanted(0.05, Loss::Mse)).unwrap_err();
        for part in [
            "sam on mnist × mlp × mse",
            "no file here.toml",
            "experiments tune sam",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
