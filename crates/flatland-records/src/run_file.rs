//! The file `run.json`.
//!
//! Whether an owner lives is asked of the lock, never of a process number. [`RunFile::read`] turns `running` into
//! `killed` where no process holds the lock, so that every table, page and command says the same.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use flatland_config::Status;
use serde::{Deserialize, Serialize};

use crate::disk::{read_file, write_whole};
use crate::files;
use crate::lock;
use crate::provenance::{Owner, Provenance};

/// The file `run.json`: the state of a run, where its numbers come from, and its totals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The version of the file's format.
    #[serde(default = "first_version")]
    pub version: u32,
    /// The state of the run.
    pub status: Status,
    /// Why the run is in that state, unless it is done.
    pub reason: Option<String>,
    /// The process that makes the run, or made it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Where the numbers come from.
    pub provenance: Provenance,
    /// When the run started, in UTC.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// Every time that the run was resumed after a stop, or had to start again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<Resumption>,
    /// Sums and final values. For a run under way, those so far.
    pub totals: Totals,
}

/// The part that every version of the file has.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default = "first_version")]
    version: u32,
}

/// The first files had no version.
fn first_version() -> u32 {
    1
}

/// How a run was resumed after a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// When, in UTC.
    pub at: jiff::Timestamp,
    /// Iterations made before, including those without a step. 0 if the run started again.
    pub iteration: u64,
    /// What the run was resumed from.
    pub from: ResumeSource,
    /// What was wrong with better checkpoints, if there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// The commit of the program that resumed the run.
    pub git_commit: String,
}

/// What a run was resumed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResumeSource {
    /// The newest checkpoint.
    Checkpoint,
    /// The checkpoint before that.
    PreviousCheckpoint,
    /// The end of a shorter run (`--extend`).
    ShorterRun,
    /// The beginning: no checkpoint could be used.
    Beginning,
}

/// Sums and final values of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Steps taken.
    pub iterations: u64,
    /// Losses evaluated by the method, with or without gradient.
    pub function_evaluations: u64,
    /// Gradients evaluated by the method.
    pub gradient_evaluations: u64,
    /// Hessian-vector products of the measurements and the method.
    pub hessian_products: u64,
    /// Curvatures along the step that the method asked for. Each takes a product, which is not counted above.
    pub curvature_evaluations: u64,
    /// Training loss after the last step.
    pub final_loss: Option<f64>,
    /// Training accuracy after the last step.
    pub final_train_accuracy: Option<f64>,
    /// Test loss after the last step.
    pub final_test_loss: Option<f64>,
    /// Test accuracy after the last step.
    pub final_test_accuracy: Option<f64>,
    /// Seconds spent stepping.
    pub training_seconds: f64,
    /// Seconds spent on sharpness, accuracy, diagnostics and the full loss of a stochastic run.
    pub measuring_seconds: f64,
}

impl RunFile {
    /// The version that is written, and the newest that is read.
    pub const VERSION: u32 = 1;

    /// The file of a run that starts now.
    pub fn new(status: Status, owner: Owner, provenance: Provenance) -> Self {
        Self {
            version: Self::VERSION,
            status,
            reason: None,
            owner: Some(owner),
            provenance,
            started: jiff::Timestamp::now(),
            ended: None,
            resumed: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Replaces the file in one step: a reader sees the old file or the new one, whole.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_whole(&directory.join(files::RUN), text.as_bytes())
    }

    /// Reads the file of a run. `None` if there is none. A run under way whose lock is free is
    /// [`Killed`](Status::Killed).
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has a newer version. Nothing in its directory may be overwritten then.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let file = Self::read_as_written(directory)?;
        let is_running = |file: &Self| file.status == Status::Running && file.owner.is_some();
        if !file.as_ref().is_some_and(is_running) || lock::may_be_held(directory) {
            return Ok(file);
        }
        // Read again: its owner may have ended in good order between the two reads.
        let file = Self::read_as_written(directory)?;
        Ok(file.map(|file| {
            if is_running(&file) {
                file.killed()
            } else {
                file
            }
        }))
    }

    fn killed(self) -> Self {
        let owner = self.owner.as_ref().map(Owner::to_string);
        let owner = owner.as_deref().unwrap_or("its process");
        Self {
            status: Status::Killed,
            reason: Some(format!("{owner} ended without a word")),
            ..self
        }
    }

    fn read_as_written(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(files::RUN);
        if !path.exists() {
            return Ok(None);
        }
        let text = read_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let no_run_file = || format!("{} is no run file", path.display());
        let Versioned { version } = serde_json::from_slice(&text).with_context(no_run_file)?;
        ensure!(
            version <= Self::VERSION,
            "{} has version {version} of its format, and this program knows none above {}",
            path.display(),
            Self::VERSION
        );
        let file = serde_json::from_slice(&text).with_context(no_run_file)?;
        Ok(Some(file))
    }
}
