//! What a run leaves in its directory, and reading it back.
//!
//! | file | what |
//! |---|---|
//! | `config.toml` | the complete configuration ([`CellConfig`](crate::cell::CellConfig)); its hash names the directory |
//! | `run.json` | state, provenance and totals ([`RunFile`]) |
//! | `metrics.csv` | a [`MetricsRow`] for every iteration |
//! | `epochs.csv` | of a stochastic run: an [`EpochRow`] for the start and after every epoch |
//! | `sharpness.csv` | a [`SharpnessRow`] for every measurement |
//! | `diagnostics.csv` | a [`DiagnosticsRow`] for every measurement, where the grid asks for them |
//! | `gradient_norms.csv` | with each of these, a [`GradientNormRow`] for every parameter |
//! | `segment.csv` | a [`SegmentRow`] for every point along a step, where the grid asks for them |
//! | `smoothness.csv` | a [`SmoothnessRow`] for every step that the verdicts look at, where the grid asks for segments |
//! | `large_steps.csv` | a [`LargeStepRow`], the verdict of Definition 2.3, for every iteration with a segment |
//! | `checkpoint.bin` | where the run stands, or what a longer one goes on from ([`checkpoint`](crate::checkpoint)) |
//! | `weights.safetensors` | the last point and running statistics, under PyTorch's names |

mod diagnostics;
mod epochs;
mod provenance;
mod tables;

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::warn;

use crate::lock;

pub use crate::disk::{read_file, sync, write_whole};
pub use diagnostics::{DiagnosticsRow, GradientNormRow, LargeStepRow, SegmentRow, SmoothnessRow};
pub use epochs::EpochRow;
pub use provenance::{DataFile, Owner, Provenance};
pub use tables::{Marks, Tables, misfit};

/// The files of a run.
pub const CONFIG: &str = "config.toml";
pub const RUN: &str = "run.json";
pub const METRICS: &str = "metrics.csv";
pub const EPOCHS: &str = "epochs.csv";
pub const SHARPNESS: &str = "sharpness.csv";
pub const DIAGNOSTICS: &str = "diagnostics.csv";
pub const GRADIENT_NORMS: &str = "gradient_norms.csv";
pub const SEGMENT: &str = "segment.csv";
pub const SMOOTHNESS: &str = "smoothness.csv";
pub const LARGE_STEPS: &str = "large_steps.csv";
pub const WEIGHTS: &str = "weights.safetensors";

/// The files of rows; no other is cut, copied or gone on with, whatever a checkpoint says.
pub const TABLES: [&str; 8] = [
    METRICS,
    EPOCHS,
    SHARPNESS,
    DIAGNOSTICS,
    GRADIENT_NORMS,
    SEGMENT,
    SMOOTHNESS,
    LARGE_STEPS,
];

/// One iteration: what was known at `w_k`, and the step from it. In a stochastic run `f` is the loss on the mini-batch
/// of the iteration, and there are no accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// Training loss `f(w_k)`.
    pub loss: f64,
    /// `η_k`, 0 where no step was taken.
    pub step_size: f64,
    /// The first trial, where the method searches.
    pub initial_step_size: Option<f64>,
    /// Trial losses.
    pub trials: u32,
    /// Cuts of the step size.
    pub backtracks: u32,
    /// All losses evaluated for the step, with or without gradient: 1 at `w_k`, the trials, and SAM's uphill.
    pub function_evaluations: u64,
    /// `‖∇f(w_k)‖`
    pub gradient_norm: f64,
    /// `R_k`, where the method searches.
    pub reference_value: Option<f64>,
    /// Zhang and Hager's `C_k`, where the reference is theirs.
    pub average_loss: Option<f64>,
    /// Share of the training samples classified rightly at `w_k`, at the interval.
    pub train_accuracy: Option<f64>,
    /// Loss on the test set at `w_k`, at the interval.
    pub test_loss: Option<f64>,
    /// Share of the test samples classified rightly at `w_k`, at the interval.
    pub test_accuracy: Option<f64>,
    /// Time since the start of the run, without measurements of sharpness and accuracy.
    pub seconds: f64,
}

/// One measurement of the Hessian at `w_k`, before step `k`. In a stochastic run the Hessian is that of the mini-batch of
/// step `k`, the first of an epoch, and there is a row only where a step was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpnessRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `λ₁(w_k)`, the largest eigenvalue.
    pub sharpness: f64,
    /// The smallest eigenvalue.
    pub lambda_min: f64,
    /// `η_k`, 0 where no step was taken: at the end of a run that converged, stalled or diverged.
    pub step_size: f64,
    /// `η_k·λ₁(w_k)`, 0 where no step was taken; to be judged or averaged by [`product`](Self::product).
    pub step_size_times_sharpness: f64,
    /// The sharpness at which the method is on its edge of stability: `2/η_k`, or SAM's own edge; nothing where no step
    /// was taken.
    pub edge: Option<f64>,
    /// `‖H v − λ₁ v‖` for the unit eigenvector found.
    pub residual: f64,
    /// Hessian-vector products that the measurement took.
    pub hessian_products: u64,
    /// Time that the measurement took.
    pub seconds: f64,
}

impl SharpnessRow {
    /// `η_k·λ₁(w_k)`; nothing where no step was taken, which says nothing of how large steps are.
    pub fn product(&self) -> Option<f64> {
        (self.step_size > 0.0).then_some(self.step_size_times_sharpness)
    }
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Under way.
    Running,
    /// Was under way when its process ended without a chance to say so. Never written: it is what a reader finds.
    Killed,
    /// All iterations, or epochs, made.
    Done,
    /// Ended early: the gradient or the loss fell below its threshold.
    Converged,
    /// Ended early: the loss or the gradient at `w_k` is not finite.
    Diverged,
    /// Ended early: the search found no acceptable step size, or the curvature gave none, such as one that is not finite.
    Stalled,
    /// An error or a panic ended the run.
    Failed,
    /// Stopped by the user, a time limit or a signal.
    Interrupted,
    /// A word of a newer version of this program.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Whether running the same configuration again would only repeat what is recorded.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Converged | Self::Diverged | Self::Stalled
        )
    }

    /// Whether the run reached what it was asked for.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Converged)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Killed => "killed",
            Self::Done => "done",
            Self::Converged => "converged",
            Self::Diverged => "diverged",
            Self::Stalled => "stalled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        })
    }
}

/// `run.json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// The version of the file's format.
    #[serde(default = "first_version")]
    pub version: u32,
    /// The state of the run.
    pub status: Status,
    /// Why the run is in that state, where it is not simply done.
    pub reason: Option<String>,
    /// Who makes the run, or made it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Where the numbers come from.
    pub provenance: Provenance,
    /// When the run started, in UTC.
    pub started: jiff::Timestamp,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// Each time that the run went on after a stop, or had to start anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resumed: Vec<Resumption>,
    /// Sums and final values; of a run under way, those so far.
    pub totals: Totals,
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default = "first_version")]
    version: u32,
}

/// Files had no version before there was a second one to tell them from.
fn first_version() -> u32 {
    1
}

/// How a run went on after a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// When, in UTC.
    pub at: jiff::Timestamp,
    /// Where it went on: iterations made before, those without a step among them. 0 if it started anew.
    pub iteration: u64,
    /// What it went on from.
    pub from: Source,
    /// What was wrong with better checkpoints, if there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// The commit of the program that went on.
    pub git_commit: String,
}

/// What a run went on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The newest checkpoint.
    Checkpoint,
    /// The checkpoint before that.
    PreviousCheckpoint,
    /// The end of a shorter run, with `--extend`.
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
    /// Curvatures along the step that the method asked for; each takes a product, which is not counted above.
    pub curvature_evaluations: u64,
    /// Training loss after the last step.
    pub final_loss: Option<f64>,
    /// Training accuracy after the last step.
    pub final_train_accuracy: Option<f64>,
    /// Test loss after the last step.
    pub final_test_loss: Option<f64>,
    /// Test accuracy after the last step.
    pub final_test_accuracy: Option<f64>,
    /// Time spent stepping.
    pub training_seconds: f64,
    /// Time spent on sharpness, accuracy, diagnostics and the full loss of a stochastic run.
    pub measuring_seconds: f64,
}

impl RunFile {
    /// The version that is written, and the newest that is read.
    pub const VERSION: u32 = 1;

    /// Writes the file so that a reader sees the old one or the new one, whole.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_whole(&directory.join(RUN), text.as_bytes())
    }

    /// Reads the file of a run; nothing if there is none. A run under way without an owner that lives is
    /// [`Killed`](Status::Killed).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or is of a newer version. Nothing in its directory may be written over then.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let file = Self::read_as_written(directory)?;
        let is_running = |file: &Self| file.status == Status::Running && file.owner.is_some();
        if !file.as_ref().is_some_and(is_running) || lock::may_be_held(directory) {
            return Ok(file);
        }
        // Once more: its owner may have ended in good order between the two looks.
        let file = Self::read_as_written(directory)?;
        Ok(file.map(|file| match is_running(&file) {
            true => file.killed(),
            false => file,
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
        let path = directory.join(RUN);
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

/// Reads the rows of a CSV file; none if there is no such file, as in a run that failed before its first iteration.
pub fn read_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_reader(Cursor::new(whole_rows(path)?));
    (reader.deserialize().collect::<Result<_, _>>())
        .with_context(|| format!("{} does not hold the rows expected", path.display()))
}

/// A file of rows without a last one that was not written to its end: of a run that was killed, or is under way.
fn whole_rows(path: &Path) -> Result<Vec<u8>> {
    let mut text = read_file(path).with_context(|| format!("cannot read {}", path.display()))?;
    let end = text.iter().rposition(|&byte| byte == b'\n');
    let end = end.map_or(0, |place| place + 1);
    if end < text.len() {
        warn!(
            "{}: the last row is half-written and left out",
            path.display()
        );
        text.truncate(end);
    }
    Ok(text)
}
