//! `experiments clean`: unfinished runs listed, and removed where the user asks for it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use flatland_config::Status;
use flatland_records::folder::{REMOVED, is_removed};
use flatland_records::lock::Lock;
use flatland_records::{RunFile, RunState};

use crate::exit::Ending;
use crate::terminal::show;

#[derive(Debug, Args)]
#[command(
    long_about = "List the unfinished runs in a folder, and remove those that are asked for. Nothing is removed without \
        --yes. Finished runs (done, converged, diverged, stalled), runs under way, and directories that are not named \
        by the configuration in them are never touched.",
    after_help = "For instance:\n  \
        experiments clean                               list what is unfinished\n  \
        experiments clean results/fig1 --failed         list what would be removed\n  \
        experiments clean results/fig1 --failed --yes   remove it\n\n\
        Exit code: 0 listed or removed, 1 some could not be removed, 2 the folder cannot be read or wrong usage."
)]
pub struct CleanArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Remove runs that failed.
    #[arg(long)]
    pub failed: bool,
    /// Remove runs that were interrupted; they could be resumed.
    #[arg(long)]
    pub interrupted: bool,
    /// Remove runs whose process ended without a word.
    #[arg(long)]
    pub killed: bool,
    /// Remove all of these.
    #[arg(long)]
    pub unfinished: bool,
    /// Really remove them.
    #[arg(long)]
    pub yes: bool,
}

/// `experiments clean`
pub fn run(arguments: &CleanArgs) -> Result<Ending> {
    let mut states = RunState::all(&arguments.results)?;
    if arguments.yes {
        let folders: BTreeSet<_> = (states.iter())
            .filter_map(|state| {
                state
                    .directory
                    .canonicalize()
                    .ok()?
                    .parent()
                    .map(Path::to_owned)
            })
            .chain([arguments.results.clone()])
            .collect();
        folders
            .iter()
            .try_for_each(|folder| remove_remainders(folder))?;
    }
    states.retain(is_unfinished);
    if states.is_empty() {
        show!("{} holds no unfinished run", arguments.results.display());
        return Ok(Ending::Success);
    }
    let (mut asked, mut removed, mut problems) = (0, 0, 0);
    for state in &states {
        let status = state.status();
        let place = state.directory.display();
        let about = match state.reason() {
            Some(reason) => format!("{place}: {status}: {reason}"),
            None => format!("{place}: {status}"),
        };
        if !is_asked_for(arguments, status) {
            show!("{about}");
            continue;
        }
        if !is_named_by_its_configuration(state) {
            show!("{about}; left alone: its name is not that of its config.toml");
            continue;
        }
        asked += 1;
        if !arguments.yes {
            show!("{about}; would be removed");
            continue;
        }
        match remove(&state.directory, arguments) {
            Ok(()) => {
                removed += 1;
                show!("{about}; removed");
            }
            Err(error) => {
                problems += 1;
                show!("{about}; not removed: {error:#}");
            }
        }
    }
    let count = states.len();
    if arguments.yes {
        show!("{removed} of {count} unfinished runs removed");
    } else if asked > 0 {
        show!("{asked} of {count} unfinished runs would be removed; --yes removes them");
    } else {
        show!(
            "{count} unfinished runs, none of them asked for; --failed, --interrupted, --killed or --unfinished would \
             remove some"
        );
    }
    Ok(match problems {
        0 => Ending::Success,
        _ => Ending::SomeFailed,
    })
}

/// Whether the run could be resumed, and no process makes it.
fn is_unfinished(state: &RunState) -> bool {
    matches!(
        state.status(),
        Status::Failed | Status::Interrupted | Status::Killed
    )
}

fn is_asked_for(arguments: &CleanArgs, status: Status) -> bool {
    let by_status = match status {
        Status::Failed => arguments.failed,
        Status::Interrupted => arguments.interrupted,
        Status::Killed => arguments.killed,
        _ => return false,
    };
    by_status || arguments.unfinished
}

/// Whether a directory has the name that this program gives it. Others are the user's own.
fn is_named_by_its_configuration(state: &RunState) -> bool {
    let Some(config) = &state.config else {
        return false;
    };
    (state.directory.canonicalize())
        .is_ok_and(|directory| directory.ends_with(config.directory_name()))
}

/// Removes a directory unless another process has taken it over meanwhile.
fn remove(directory: &Path, arguments: &CleanArgs) -> Result<()> {
    let lock = Lock::take(directory)?;
    ensure!(lock.is_some(), "another process is making it");
    let is_unchanged = match RunFile::read(directory)? {
        // While the lock is held here, one whose owner is dead is as it was written.
        Some(file) if file.status == Status::Running => is_asked_for(arguments, Status::Killed),
        Some(file) => is_asked_for(arguments, file.status),
        None => is_asked_for(arguments, Status::Killed),
    };
    ensure!(is_unchanged, "it has been made meanwhile");
    // Its own name and its folder are wanted, even of ".".
    let directory = &(directory.canonicalize())
        .with_context(|| format!("cannot read {}", directory.display()))?;
    // Out of the way first, in one step and under the lock: whoever makes the run anew finds no directory, or a new
    // one, and never one that is being emptied.
    let parent = directory.parent().context("a run lies in a folder")?;
    let cannot = || format!("cannot remove {}", directory.display());
    let aside = (tempfile::Builder::new().prefix(REMOVED))
        .tempdir_in(parent)
        .with_context(cannot)?;
    std::fs::rename(directory, aside.path().join("run")).with_context(cannot)?;
    aside.close().with_context(cannot)
}

/// Removes what a killed `clean` has left in a folder.
fn remove_remainders(folder: &Path) -> Result<()> {
    for entry in (std::fs::read_dir(folder).into_iter().flatten()).flatten() {
        let is_remainder = (entry.file_name().to_str()).is_some_and(is_removed);
        if is_remainder && entry.path().is_dir() {
            match std::fs::remove_dir_all(entry.path()) {
                // Another one removes it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => {
                    removed.with_context(|| format!("cannot remove {}", entry.path().display()))?
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flatland_records::files;

    fn arguments(folder: &Path) -> CleanArgs {
        CleanArgs {
            results: folder.to_owned(),
            failed: false,
            interrupted: false,
            killed: false,
            unfinished: true,
            yes: true,
        }
    }

    /// So many files that another process comes while they are being removed.
    #[test]
    fn a_run_that_is_made_anew_meanwhile_loses_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let run = folder.path().join("run");
        for _ in 0..8 {
            let lock = Lock::take(&run).unwrap();
            for number in 0..4000 {
                std::fs::write(run.join(format!("{number}.old")), "").unwrap();
            }
            drop(lock);
            let row = run.join("row.csv");
            std::thread::scope(|scope| {
                let removing = scope.spawn(|| remove(&run, &arguments(folder.path())));
                while run.join("0.old").exists() {
                    std::thread::yield_now();
                }
                let lock =
                    std::iter::repeat_with(|| Lock::take(&run)).find_map(|lock| lock.ok()?);
                std::fs::write(&row, "row").unwrap();
                removing.join().unwrap().unwrap();
                assert!(row.exists() && run.join(files::LOCK).exists());
                drop(lock);
            });
            std::fs::remove_dir_all(&run).unwrap();
        }
    }

    #[test]
    fn what_a_killed_clean_has_left_is_no_run_and_is_removed() {
        let folder = tempfile::TempDir::new().unwrap();
        let left = folder.path().join(".removed-a1B2c3/run");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(left.join("config.toml"), "").unwrap();
        assert!(RunState::all(folder.path()).unwrap().is_empty());
        run(&arguments(folder.path())).unwrap();
        assert!(!left.exists());
    }
}
