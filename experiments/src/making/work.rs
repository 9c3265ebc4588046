//! A cell made in this process.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::Outcome;
use crate::cell::CellConfig;
use crate::checkpoint;
use crate::disk;
use crate::lock::Lock;
use crate::records::{self, Owner, Provenance, RunFile, Status, Totals};
use crate::session::panic_message;

/// Makes a cell by `run` while its directory is locked, unless it is finished or another process makes it. What goes wrong
/// is recorded in the directory, as far as it can be written to.
pub fn guarded(
    cell: &CellConfig,
    directory: &Path,
    run: impl FnOnce(&Arc<Lock>) -> Result<RunFile>,
) -> Outcome {
    let lock = match Lock::take(directory) {
        Ok(Some(lock)) => Arc::new(lock),
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
        Err(error) => {
            return Outcome::failed(format!(
                "{error:#}. Nothing in {} was changed: go on with the program that wrote it, put the file back as it \
                 was, or remove the folder to start anew",
                directory.display()
            ));
        }
    }
    if let Err(error) = sweep(directory) {
        return Outcome::failed(format!("{error:#}"));
    }
    let reason = match catch_unwind(AssertUnwindSafe(|| run(&lock))) {
        Ok(Ok(file)) => return file.into(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => format!("panicked: {}", panic_message(&*panic)),
    };
    record(cell, directory, Owner::this(), Status::Failed, reason)
}

/// Removes what a killed process has left half-written. The caller holds the lock of the directory.
fn sweep(directory: &Path) -> Result<()> {
    // As burn-store names what it is about to rename.
    let is_weights =
        |name: &str| name.starts_with(&format!("{}.", records::WEIGHTS)) && name.ends_with(".tmp");
    let is_remainder = |name: &str| {
        name == checkpoint::UNFINISHED
            || is_weights(name)
            || [records::RUN, records::CONFIG]
                .iter()
                .any(|file| disk::is_remainder(name, file))
    };
    let remove = || -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(is_remainder) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().with_context(|| format!("cannot tidy up {}", directory.display()))
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
        let mut file = match RunFile::read(directory)? {
            Some(file) if file.status.is_final() => bail!("the run has ended before: {status}"),
            Some(file) => file,
            // The run has not come as far as that.
            None => RunFile {
                version: RunFile::VERSION,
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
