//! `experiments clean`: unfinished runs listed, and removed where the user asks for it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cli::CleanArgs;
use crate::lock::Lock;
use crate::records::{RunFile, Status};
use crate::say::show;
use crate::session::Ending;
use crate::status::Glance;

/// `experiments clean`
pub fn run(arguments: &CleanArgs) -> Result<Ending> {
    let mut glances = Glance::all(&arguments.results)?;
    if arguments.yes {
        let folders: BTreeSet<_> = (glances.iter())
            .filter_map(|glance| {
                glance
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
    glances.retain(is_unfinished);
    if glances.is_empty() {
        show!("{} holds no unfinished run", arguments.results.display());
        return Ok(Ending::Success);
    }
    let (mut asked, mut removed, mut problems) = (0, 0, 0);
    for glance in &glances {
        let status = glance.status();
        let place = glance.directory.display();
        let about = match glance.reason() {
            Some(reason) => format!("{place}: {status}: {reason}"),
            None => format!("{place}: {status}"),
        };
        if !is_asked_for(arguments, status) {
            show!("{about}");
            continue;
        }
        if !is_named_by_its_configuration(glance) {
            show!("{about}; left alone: its name is not that of its config.toml");
            continue;
        }
        asked += 1;
        if !arguments.yes {
            show!("{about}; would be removed");
            continue;
        }
        match remove(&glance.directory, arguments) {
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
    let count = glances.len();
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

/// Whether the run could be gone on with, and nobody does.
fn is_unfinished(glance: &Glance) -> bool {
    matches!(
        glance.status(),
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

/// Whether a directory is what this program makes: anything else with such files in it is somebody's own.
fn is_named_by_its_configuration(glance: &Glance) -> bool {
    let Some(config) = &glance.config else {
        return false;
    };
    (glance.directory.canonicalize())
        .is_ok_and(|directory| directory.ends_with(config.directory_name()))
}

/// What the name of a directory begins with that is being removed.
const REMOVED: &str = ".removed-";

/// Whether a directory of this name is one that is being removed, or was when the process that did it was killed.
pub fn is_removed(name: &str) -> bool {
    name.starts_with(REMOVED)
}

/// Removes a directory unless somebody has taken it over since it was looked at.
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
    // Out of the way first, in one step and under the lock: whoever makes the run anew finds no directory, or a new one,
    // and never one that is being emptied.
    let parent = directory.parent().context("a run lies in a folder")?;
    let cannot = || format!("cannot remove {}", directory.display());
    let aside = (tempfile::Builder::new().prefix(REMOVED))
        .tempdir_in(parent)
        .with_context(cannot)?;
    std::fs::rename(directory, aside.path().join("run")).with_context(cannot)?;
    aside.close().with_context(cannot)
}

/// Removes what an earlier `clean` in a folder was killed over.
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
    use crate::lock;

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
                assert!(row.exists() && run.join(lock::FILE).exists());
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
        assert!(Glance::all(folder.path()).unwrap().is_empty());
        run(&arguments(folder.path())).unwrap();
        assert!(!left.exists());
    }
}
