//! Makes runs: devices, memory, training, measurements, checkpoints, processes.
//!
//! [`resolve()`] turns a checked grid into runs, [`Scheduler`] makes them, [`run::execute`] makes one. The runner
//! prints nothing: an [`Observer`](observer::Observer) hears what happens. A [`StopToken`](stop::StopToken) stops it.

#![warn(missing_docs)]

pub mod batches;
pub mod checkpoint;
mod data;
mod device;
pub mod diagnostics;
pub mod doctor;
mod guard;
pub mod memory;
pub mod observer;
mod outcome;
mod panics;
pub mod process;
mod resolve;
pub mod run;
mod scheduler;
pub mod signals;
pub mod stop;
#[cfg(test)]
mod testing;

pub use data::load_data;
pub use device::{DeviceError, FoundDevice};
pub use outcome::RunOutcome;
pub use resolve::{ResolvedGrid, resolve};
pub use scheduler::{RunTask, Scheduler};
