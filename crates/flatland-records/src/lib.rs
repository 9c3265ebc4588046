//! What a run leaves in its directory, and reading it back.
//!
//! A run is a directory, named by the hash of its configuration; [`files`] lists what is in it. [`RunRecords`] reads a
//! run, [`folder`] finds all runs in a results folder, [`RunState`] tells the state of a run without reading its rows,
//! and [`tail::Tail`] follows a file that is being written. Other programs may use this crate to read results:
//!
//! ```no_run
//! for run in flatland_records::folder::read_runs("results/quick".as_ref())? {
//!     println!("{}: {:?}", run.config.method.label(), run.final_sharpness());
//! }
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! Records may come from anybody: what cannot be read is an error that names the file, and numbers may have any size.

#![warn(missing_docs)]

mod config_file;
pub mod disk;
pub mod files;
pub mod folder;
pub mod lock;
mod provenance;
mod row_reader;
mod rows;
mod run_file;
mod run_records;
mod run_state;
pub mod spectrum;
pub mod table_writer;
pub mod tail;
pub mod text;

pub use config_file::{read_config, write_config};
pub use provenance::{DataFile, DoctorVerdict, Owner, Program, Provenance};
pub use row_reader::read_rows;
pub use rows::{
    DiagnosticsRow, EpochRow, GradientNormRow, LargeStepRow, MetricsRow, SegmentRow, SharpnessRow,
    SmoothnessRow,
};
pub use run_file::{ResumeSource, Resumption, RunFile, Totals};
pub use run_records::RunRecords;
pub use run_state::{RunState, count_by_status};
pub use spectrum::SpectrumRecord;
pub use table_writer::{Mark, MarkError, Marks, TableWriter, check_marks};
