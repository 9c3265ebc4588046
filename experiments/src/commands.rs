//! The commands, each with its arguments and its `run`.

pub mod cell;
pub mod check;
pub mod clean;
pub mod compare;
pub mod data;
pub mod doctor;
pub mod export;
pub mod grid_args;
pub mod plot;
pub mod report;
pub mod resume;
pub mod run;
mod runner_args;
pub mod serve;
pub mod spectrum;
pub mod status;
pub mod table;
pub mod tune;
pub mod watch;

pub use runner_args::RunnerArgs;
