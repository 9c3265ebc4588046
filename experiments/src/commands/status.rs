//! `experiments status`: how far the runs in a folder are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use flatland_records::text::counted;
use flatland_records::{Owner, RunState, count_by_status};

use crate::exit::Ending;
use crate::terminal::show;

#[derive(Debug, Args)]
#[command(
    long_about = "Say how far the runs in a folder are: state, iterations done of those asked for, how long ago the last \
        record was written, and of a run under way the process that makes it. Reasons follow below the table.\n\n\
        killed: the process that made the run has ended without a word; `experiments resume` or the grid's command goes \
        on.",
    after_help = "Exit code: 0 table printed, 2 the folder cannot be read or holds no run, or wrong usage."
)]
pub struct StatusArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
}

/// `experiments status`
pub fn run(arguments: &StatusArgs) -> Result<Ending> {
    let folder = &arguments.results;
    let states = RunState::all(folder)?;
    anyhow::ensure!(
        !states.is_empty(),
        "{} holds no run: give a folder that `experiments run` has written to, such as results/quick",
        folder.display()
    );
    let name = |state: &RunState| {
        let inner = state.directory.strip_prefix(folder).ok();
        let inner = inner.filter(|inner| !inner.as_os_str().is_empty());
        inner.unwrap_or(&state.directory).display().to_string()
    };
    show!("{}", table(&states, name));
    for state in &states {
        if let Some(reason) = state.reason() {
            let line = format!("{}: {}: {reason}", name(state), state.status());
            show!("{line}");
        }
    }
    show!("{}", counts(&states));
    Ok(Ending::Success)
}

/// How far the runs of these names in a folder are, if they were begun. `None` if none was.
pub fn overview(folder: &Path, names: impl Iterator<Item = String>) -> Option<Table> {
    let directories = names
        .map(|name| folder.join(name))
        .filter(|path| path.is_dir());
    let states: Vec<_> = directories.map(RunState::read).collect();
    let name = |state: &RunState| {
        let name = state.directory.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    (!states.is_empty()).then(|| table(&states, name))
}

fn table(states: &[RunState], name: impl Fn(&RunState) -> String) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "run",
        "status",
        "iterations",
        "last record",
        "owner",
    ]);
    for state in states {
        table.add_row([
            name(state),
            state.status().to_string(),
            match state.iterations_asked() {
                Some(asked) => format!("{} of {asked}", state.iterations()),
                None => state.iterations().to_string(),
            },
            state.age().map_or(String::new(), age),
            state.owner().map_or(String::new(), Owner::to_string),
        ]);
    }
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How many runs have which status, the most frequent first.
fn counts(states: &[RunState]) -> String {
    let mut counts = count_by_status(states.iter().map(RunState::status));
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let parts = counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"));
    format!(
        "{}: {}",
        counted(states.len(), "run"),
        parts.collect::<Vec<_>>().join(", ")
    )
}

/// A duration to two digits or so.
fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
