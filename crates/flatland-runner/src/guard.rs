//! A run made under the lock of its directory.
//!
//! With `--in-process` the scheduler calls it in its own process, otherwise the process of the run does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use flatland_config::{RunConfig, Status};
use flatland_records::lock::Lock;
use flatland_records::{Owner, Program, Provenance, RunFile, disk, files, write_config};

use crate::checkpoint;
use crate::outcome::RunOutcome;
use crate::panics::panic_message;

/// Makes a run by `make` while its directory is locked, unless it is finished or another process makes it. An error or
/// a panic is recorded in the directory, if that can be written to.
pub fn guarded(
    config: &RunConfig,
    directory: &Path,
    program: &Program,
    make: impl FnOnce(&Arc<Lock>) -> Result<RunFile>,
) -> RunOutcome {
    let lock = match Lock::take(directory) {
        Ok(Some(lock)) => Arc::new(lock),
        Ok(None) => {
            let file = RunFile::read(directory).ok().flatten();
            return RunOutcome::OwnedByOther(file.and_then(|file| file.owner));
        }
        Err(error) => return RunOutcome::failed(format!("{error:#}")),
    };
    match RunFile::read(directory) {
        Ok(Some(file)) if file.status.is_final() => return RunOutcome::Finished(file.status),
        Ok(Some(file)) if file.status == Status::Unknown => {
            return RunOutcome::failed(format!(
                "{} is of a newer version of this program, whose status this one does not know; use that one, or other \
                 --results",
                directory.join(files::RUN).display()
            ));
        }
        Ok(_) => {}
        Err(error) => {
            return RunOutcome::failed(format!(
                "{error:#}. Nothing in {} was changed: resume it with the program that wrote it, put the file back as it \
                 was, or remove the folder to start again",
                directory.display()
            ));
        }
    }
    if let Err(error) = remove_remainders(directory) {
        return RunOutcome::failed(format!("{error:#}"));
    }
    let reason = match catch_unwind(AssertUnwindSafe(|| make(&lock))) {
        Ok(Ok(file)) => return file.into(),
        Ok(Err(error)) => format!("{error:#}"),
        Err(panic) => format!("panicked: {}", panic_message(&*panic)),
    };
    record_end(
        config,
        directory,
        program,
        Owner::this(),
        Status::Failed,
        reason,
    )
}

/// Removes what a killed process has left half-written. The caller holds the lock of the directory.
fn remove_remainders(directory: &Path) -> Result<()> {
    // burn-store names its temporary file like this.
    let is_weights =
        |name: &str| name.starts_with(&format!("{}.", files::WEIGHTS)) && name.ends_with(".tmp");
    let is_remainder = |name: &str| {
        checkpoint::is_remainder(name)
            || is_weights(name)
            || [files::RUN, files::CONFIG]
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

/// Records how a run ended that could not record it itself. The caller holds the lock of its directory.
pub fn record_end(
    config: &RunConfig,
    directory: &Path,
    program: &Program,
    owner: Owner,
    status: Status,
    reason: String,
) -> RunOutcome {
    let write = || -> Result<()> {
        if !directory.join(files::CONFIG).exists() {
            write_config(directory, config)?;
        }
        let mut file = match RunFile::read(directory)? {
            Some(file) if file.status.is_final() => bail!("the run has ended before: {status}"),
            Some(file) => file,
            // The run has not written its file yet.
            None => {
                let threads = rayon::current_num_threads();
                let provenance = Provenance::new(program, config.device.to_string(), threads);
                RunFile::new(status, owner.clone(), provenance)
            }
        };
        file.status = status;
        file.reason = Some(reason.clone());
        file.owner = Some(owner);
        file.ended = Some(jiff::Timestamp::now());
        file.write(directory)
    };
    let reason = match write() {
        Ok(()) => reason,
        Err(error) => format!("{reason} (this could not be recorded: {error:#})"),
    };
    RunOutcome::Ended {
        status,
        reason: Some(reason),
    }
}
