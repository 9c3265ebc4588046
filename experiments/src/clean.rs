//! `experiments clean`: unfinished runs listed, and removed where the user asks for it.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::cli::CleanArgs;
use crate::lock::Lock;
use crate::records::{RunFile, Status};
use crate::session::Ending;
use crate::status::Glance;

/// `experiments clean`
pub fn run(arguments: &CleanArgs) -> Result<Ending> {
    let mut glances = Glance::all(&arguments.results)?;
    glances.retain(is_unfinished);
    if glances.is_empty() {
        println!("{} holds no unfinished run", arguments.results.display());
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
            println!("{about}");
            continue;
        }
        if !is_named_by_its_configuration(glance) {
            println!("{about}; left alone: its name is not that of its config.toml");
            continue;
        }
        asked += 1;
        if !arguments.yes {
            println!("{about}; would be removed");
            continue;
        }
        match remove(&glance.directory, arguments) {
            Ok(()) => {
                removed += 1;
                println!("{about}; removed");
            }
            Err(error) => {
                problems += 1;
                println!("{about}; not removed: {error:#}");
            }
        }
    }
    let count = glances.len();
    if arguments.yes {
        println!("{removed} of {count} unfinished runs removed");
    } else if asked > 0 {
        println!("{asked} of {count} unfinished runs would be removed; --yes removes them");
    } else {
        println!(
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
    std::fs::remove_dir_all(directory)
        .with_context(|| format!("cannot remove {}", directory.display()))
}
