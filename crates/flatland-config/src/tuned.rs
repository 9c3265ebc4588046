//! The file with tuned step sizes: `experiments tune` writes it, grids with `step_size = "tuned"` read it.

use std::path::{Path, PathBuf};

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use flatland_optim::{MethodConfig, SamConfig};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, EnumString, IntoStaticStr, VariantArray};
use thiserror::Error;
use toml::{Table, Value};

use crate::run_config::RunConfig;
use crate::status::Status;

/// The file's name where none is given, in the current folder.
pub const DEFAULT: &str = "tuned.toml";

const HEADER: &str =
    "# Step sizes chosen by `experiments tune`. A grid takes them with step_size = \"tuned\".\n\n";

/// What makes a step size the best.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    EnumMessage,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Criterion {
    /// The lowest training loss after the last step.
    Loss,
    /// The highest test accuracy after the last step.
    Accuracy,
}

impl std::fmt::Display for Criterion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.into())
    }
}

/// What a step size is tuned for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuningTask {
    /// The data set.
    pub dataset: Dataset,
    /// The training loss.
    pub loss: Loss,
    /// The network with all its options.
    pub network: Architecture,
    /// The method with all its options. Tasks that differ only in the step size are the same.
    pub method: MethodConfig,
}

impl TuningTask {
    /// The task that a run is a candidate for.
    pub fn of(run: &RunConfig) -> Self {
        Self {
            dataset: run.dataset,
            loss: run.loss,
            network: run.network.clone(),
            method: run.method.clone(),
        }
    }

    /// Whether the two tasks differ at most in the step size.
    pub fn is_same(&self, other: &Self) -> bool {
        let at = |task: &Self| Self {
            method: task.method.with_step_size(1.0),
            ..task.clone()
        };
        at(self) == at(other)
    }

    /// The network's name, with its options if they are not the paper's.
    pub fn network(&self) -> String {
        let name = self.network.name();
        match Architecture::named(name) {
            Ok(usual) if usual == self.network => name.to_owned(),
            _ => with_options(name, &self.network),
        }
    }

    /// The method's name, with its options except the step size if they are not the paper's.
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

/// A name with the options that a configuration has beside it and the step size.
fn with_options(name: &str, config: &impl Serialize) -> String {
    let mut options = Table::try_from(config).expect("a configuration has a TOML form");
    options.remove("name");
    options.remove("step_size");
    format!("{name} {}", Value::Table(options))
}

impl std::fmt::Display for TuningTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (method, network) = (self.method(), self.network());
        let loss = self.loss;
        write!(f, "{method} on {} × {network} × {loss}", self.dataset)
    }
}

/// A step size that was tried, with its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The step size `η`.
    pub step_size: f64,
    /// How the run ended.
    pub status: Status,
    /// Training loss after the last step, if finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_loss: Option<f64>,
    /// Share of the test samples classified rightly after the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_accuracy: Option<f64>,
}

/// The step size that was chosen for a task, and the candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TunedEntry {
    /// The criterion of the choice.
    pub by: Criterion,
    /// Iterations of each candidate.
    pub iterations: u64,
    /// Training samples asked for.
    pub samples: usize,
    /// The seed of the runs.
    pub seed: u64,
    /// The task. Its method has the chosen step size.
    #[serde(flatten)]
    pub task: TuningTask,
    /// All step sizes tried.
    pub candidates: Vec<Candidate>,
}

/// The entries of a file, at most one for each task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunedEntries {
    #[serde(default)]
    tuned: Vec<TunedEntry>,
}

/// Why a file with tuned step sizes cannot be used.
#[derive(Debug, Error)]
pub enum TunedError {
    /// The file cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `experiments tune` did not write the file.
    #[error(
        "{path} does not hold what `experiments tune` writes; move it away or name another file",
        path = path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
}

impl TunedEntries {
    /// Reads a file. `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or `experiments tune` did not write it.
    pub fn read(path: &Path) -> Result<Option<Self>, TunedError> {
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).map_err(|source| TunedError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let entries = toml::from_str(&text).map_err(|source| TunedError::Format {
            path: path.to_owned(),
            source: source.into(),
        })?;
        Ok(Some(entries))
    }

    /// Replaces the entry of the same task, or appends the entry.
    pub fn insert(&mut self, entry: TunedEntry) {
        match (self.tuned.iter_mut()).find(|known| known.task.is_same(&entry.task)) {
            Some(known) => *known = entry,
            None => self.tuned.push(entry),
        }
    }

    /// The method of a task, with the step size chosen for it.
    fn method(&self, task: &TuningTask) -> Option<&MethodConfig> {
        (self.tuned.iter())
            .find(|entry| entry.task.is_same(task))
            .map(|entry| &entry.task.method)
    }

    /// The contents of the file.
    ///
    /// # Panics
    ///
    /// Never: the entries have a TOML form.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("tuned step sizes have a TOML form");
        format!("{HEADER}{text}")
    }
}

/// The tuned step sizes that a grid may ask for.
#[derive(Debug, Clone)]
pub struct TunedStepSizes {
    path: PathBuf,
    /// `None` if there is no such file, or it was not read.
    entries: Option<TunedEntries>,
}

impl TunedStepSizes {
    /// The step sizes of a file that is not read yet.
    pub fn unread(path: PathBuf) -> Self {
        let entries = None;
        Self { path, entries }
    }

    /// Reads the file. A missing file is an error of the methods that ask for a step size.
    ///
    /// # Errors
    ///
    /// As [`TunedEntries::read`].
    pub fn read(&mut self) -> Result<(), TunedError> {
        self.entries = TunedEntries::read(&self.path)?;
        Ok(())
    }

    /// The method of a task, with its tuned step size.
    ///
    /// # Errors
    ///
    /// The file or its entry is missing. The message has the command that makes it.
    pub fn method(&self, task: &TuningTask) -> Result<MethodConfig, String> {
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

    fn entry(method: &str, network: &str, loss: Loss) -> TunedEntry {
        TunedEntry {
            by: Criterion::Loss,
            iterations: 5,
            samples: 60,
            seed: 42,
            task: TuningTask {
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
        let mut entries = TunedEntries::default();
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
        assert_eq!(TunedEntries::read(&path).unwrap(), None);
        let mut entries = TunedEntries::default();
        entries.insert(entry(&sam(0.01, 0.05), MLP, Loss::Mse));
        entries.insert(entry(GD, MLP, Loss::CrossEntropy));
        std::fs::write(&path, entries.to_toml()).unwrap();
        assert_eq!(TunedEntries::read(&path).unwrap(), Some(entries));
        std::fs::write(&path, "datasets = [\"mnist\"]").unwrap();
        let error = TunedEntries::read(&path).unwrap_err();
        let message = format!("{error}: {}", std::error::Error::source(&error).unwrap());
        assert!(
            message.contains("tune") && message.contains("datasets"),
            "{message}"
        );
    }

    #[test]
    fn a_task_gets_its_own_step_size_or_an_error_that_says_how_to_make_it() {
        let mut entries = TunedEntries::default();
        entries.insert(entry(&sam(0.01, 0.05), MLP, Loss::Mse));
        let mut tuned = TunedStepSizes {
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
