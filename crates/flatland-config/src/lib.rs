//! What a run is: its complete configuration, and the grids that configurations come from.
//!
//! From the text of a grid to its runs:
//!
//! ```
//! use flatland_config::{DeviceName, GridSpec, Overrides, Scale, presets};
//!
//! let preset = presets::read("quick", Scale::Paper)?;
//! let overrides = Overrides {
//!     set: vec!["iterations=5".to_owned()],
//!     ..Overrides::default()
//! };
//! let spec = GridSpec::parse(&preset.folder, &preset.text, "preset quick")?;
//! let grid = spec.apply(&overrides).check()?;
//! for run in grid.runs(DeviceName::Flex) {
//!     println!("{}", run.directory_name());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`RunConfig`] is what a run's `config.toml` holds. Its hash names the run's directory. The chunk and the Lanczos
//! basis that fit into memory are chosen by the runner, which knows the device.
//!
//! This crate knows no device, no thread and no clock.

#![warn(missing_docs)]

mod chunk;
mod device_name;
mod diagnostics;
mod float_type;
mod grid;
mod init;
mod measurement;
mod method_spec;
mod only;
pub mod presets;
mod run_config;
mod sam_step_sizes;
mod status;
pub mod tuned;

pub use chunk::Chunk;
pub use device_name::DeviceName;
pub use diagnostics::{DiagnosticsConfig, SegmentConfig};
pub use float_type::FloatType;
pub use grid::{
    Grid, GridError, GridSpec, Overrides, TuningOverride, loss_argument, network_argument, text,
};
pub use init::Init;
pub use measurement::MeasurementConfig;
pub use method_spec::{MethodContext, MethodSpec};
pub use only::{Only, OnlyKey};
pub use presets::Scale;
pub use run_config::{MiniBatchConfig, RunConfig, RunConfigError, input_shape, sharpness_floor};
pub use status::Status;
