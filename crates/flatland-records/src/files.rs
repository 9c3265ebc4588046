//! The names of the files in a run's directory.
//!
//! | file | contents |
//! |---|---|
//! | `config.toml` | the complete configuration ([`RunConfig`](flatland_config::RunConfig)); its hash names the directory |
//! | `run.json` | state, provenance and totals ([`RunFile`](crate::RunFile)) |
//! | `metrics.csv` | a [`MetricsRow`](crate::MetricsRow) for every iteration |
//! | `epochs.csv` | of a stochastic run: an [`EpochRow`](crate::EpochRow) for the start and after every epoch |
//! | `sharpness.csv` | a [`SharpnessRow`](crate::SharpnessRow) for every measurement |
//! | `diagnostics.csv` | a [`DiagnosticsRow`](crate::DiagnosticsRow) for every measurement, if the grid asks for them |
//! | `gradient_norms.csv` | with each of these, a [`GradientNormRow`](crate::GradientNormRow) for every parameter |
//! | `segment.csv` | a [`SegmentRow`](crate::SegmentRow) for every point along a step, if the grid asks for them |
//! | `smoothness.csv` | a [`SmoothnessRow`](crate::SmoothnessRow) for every step that a verdict looks at |
//! | `large_steps.csv` | a [`LargeStepRow`](crate::LargeStepRow), the verdict of Definition 2.3, for every judged step |
//! | `weights.safetensors` | the last point and running statistics, under PyTorch's names |
//! | `lock` | locked by the process that writes in the directory ([`Lock`](crate::lock::Lock)) |
//!
//! The runner adds its checkpoints.

/// The complete configuration.
pub const CONFIG: &str = "config.toml";
/// State, provenance and totals.
pub const RUN: &str = "run.json";
/// A row for every iteration.
pub const METRICS: &str = "metrics.csv";
/// Of a stochastic run: a row for the start and after every epoch.
pub const EPOCHS: &str = "epochs.csv";
/// A row for every measurement of the sharpness.
pub const SHARPNESS: &str = "sharpness.csv";
/// A row for every measurement of the early phase.
pub const DIAGNOSTICS: &str = "diagnostics.csv";
/// For every measurement of the early phase, a row for every parameter.
pub const GRADIENT_NORMS: &str = "gradient_norms.csv";
/// A row for every point along a step.
pub const SEGMENT: &str = "segment.csv";
/// A row for every step whose smoothness was measured.
pub const SMOOTHNESS: &str = "smoothness.csv";
/// The verdict of Definition 2.3 for every judged step.
pub const LARGE_STEPS: &str = "large_steps.csv";
/// The last point and the running statistics, under PyTorch's names.
pub const WEIGHTS: &str = "weights.safetensors";
/// The file that the process of the run locks. It stays when the lock is released.
pub const LOCK: &str = "lock";
/// What `experiments spectrum` measured of a saved point.
pub const SPECTRUM: &str = "spectrum.json";

/// The files of rows. No other file is cut, copied or appended to, whatever a checkpoint says.
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
