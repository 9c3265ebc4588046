//! A cell made in this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Result, bail};
use tracing::warn;

use super::Outcome;
use crate::cell::CellConfig;
use crate::lock::Lock;
use crate::records::{self, Owner, Provenance, RunFile, Status, Totals};
use crate::session::panic_message;

/// Makes a cell by `run` while its directory is locked, unless it is finished or another process makes it. What goes wrong
/// is recorded in the directory, as far as it can be written to.
pub fn guarded(
    cell: &CellConfig,
    directory: &Path,
    run: impl FnOnce() -> Result<RunFile>,
) -> Outcome {
    let _lock = match Lock::take(directory) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            let file = RunFile::read(directory).ok().flatten();
            return Outcome::Elsewhere(file.and_then(|file| file.owner));
        }
        Err(error) => return Outcome::failed(format!("{error:#}")),
    };
    match RunFile::read(directory) {
        Ok(Some(file)) if file.status.is_final() => return Outcome::Finished(file.status),
        Ok(Some(file)) if file.status == Status::Unknown => {
            return Outcome::failed(format!(
                "{} is of a newer version of this program, whose status this one does not know; use that one, or other \
                 --results",
                directory.join(records::RUN).display()
            ));
        }
        Ok(_) => {}
        Err(error) => warn!("{error:#}; the run is made anew"),
    }
    let reason = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(file)) => return file.into(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => format!("panicked: {}", panic_message(&*panic)),
    };
    record(cell, directory, Owner::this(), Status::Failed, reason)
}

/// Writes how a run ended that cannot write it itself any more. The caller holds the lock of its directory.
pub fn record(
    cell: &CellConfig,
    directory: &Path,
    owner: Owner,
    status: Status,
    reason: String,
) -> Outcome {
    let write = || -> Result<()> {
        let config = directory.join(records::CONFIG);
        if !config.exists() {
            records::write_whole(&config, cell.to_toml().as_bytes())?;
        }
        let now = jiff::Timestamp::now();
        let mut file = match RunFile::read(directory) {
            Ok(Some(file)) if file.status.is_final() => bail!("the run has ended before: {status}"),
            Ok(Some(file)) => file,
            // The run has not come as far as that.
            Ok(None) | Err(_) => RunFile {
                status,
                reason: None,
                owner: None,
                provenance: Provenance::of_this_program(cell.device.to_string()),
                started: now,
                ended: None,
                resumed: Vec::new(),
                totals: Totals::default(),
            },
        };
        file.status = status;
        file.reason = Some(reason.clone());
        file.owner = Some(owner);
        file.ended = Some(now);
        file.write(directory)
    };
    let reason = match write() {
        Ok(()) => reason,
        Err(error) => format!("{reason} (this could not be recorded: {error:#})"),
    };
    Outcome::Ended {
        status,
        reason: Some(reason),
    }
}
