//! `experiments cell`: the process of a run. The program starts itself with it.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use flatland_runner::observer::{Observer, RunEvent};
use flatland_runner::process::child;
use flatland_runner::process::protocol::Message;

use crate::exit::Ending;
use crate::program::program;

/// How often the process reports its progress at most.
const INTERVAL: Duration = Duration::from_millis(50);

/// The rest comes through standard input.
#[derive(Debug, Args)]
pub struct CellArgs {
    /// The directory of the run.
    #[arg(long)]
    pub directory: PathBuf,
    /// Folder that holds the data sets.
    #[arg(long)]
    pub data_dir: PathBuf,
    /// CPU threads of the run.
    #[arg(long)]
    pub threads: NonZeroUsize,
}

/// `experiments cell`
pub fn run(arguments: &CellArgs) -> Result<Ending> {
    let CellArgs {
        directory,
        data_dir,
        threads,
    } = arguments;
    let observer = ParentObserver::default();
    child::make(directory, data_dir, *threads, &program(), &observer)?;
    Ok(Ending::Success)
}

/// The command that starts the process of the run in a directory.
pub fn command(directory: &Path, data_dir: &Path, threads: usize) -> io::Result<Command> {
    let mut command = Command::new(executable()?);
    command
        .arg("cell")
        .arg("--directory")
        .arg(directory)
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--threads", &threads.to_string()]);
    Ok(command)
}

/// This program's file. On Linux, the very file that runs, even if another was built in its place meanwhile.
fn executable() -> io::Result<PathBuf> {
    let itself = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && itself.exists() {
        Ok(itself)
    } else {
        std::env::current_exe()
    }
}

/// Reports to the process that started this one, if it is still there.
#[derive(Default)]
struct ParentObserver {
    reported: Mutex<Option<Instant>>,
}

impl ParentObserver {
    /// Whether it is time to report the progress again.
    fn is_due(&self) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = reported.is_none_or(|last| last.elapsed() >= INTERVAL);
        if is_due {
            *reported = Some(Instant::now());
        }
        is_due
    }
}

impl Observer for ParentObserver {
    fn observe(&self, event: &RunEvent<'_>) {
        let message = match *event {
            RunEvent::Progress { progress, .. } if self.is_due() => Message::Progress(*progress),
            RunEvent::Progress { .. } | RunEvent::Started { .. } => return,
            RunEvent::Note(line) | RunEvent::Output { line, .. } => {
                Message::Output(line.to_owned())
            }
            RunEvent::Ended { outcome, .. } => Message::Ended(outcome.clone()),
        };
        if let Ok(text) = serde_json::to_string(&message) {
            let mut output = io::stdout().lock();
            let _ = writeln!(output, "{text}").and_then(|()| output.flush());
        }
    }
}
