//! A running grid in the terminal, from its records.
//!
//! Only what was appended to the records is read, for at most a tenth of a second at a time and a twentieth of the time
//! in all: the runs need the rest more.

mod followed;
mod palette;
mod run;
mod runs;
#[cfg(test)]
pub mod testing;
mod text;
mod view;

use std::path::Path;
use std::time::{Duration, SystemTime};

use comfy_table::{CellAlignment, Table, presets};
use flatland_config::Status;
use flatland_report::series::Series;

use text::{against_two, left, short, short_or_dash, state};

pub use palette::{Palette, is_colored};
pub use runs::Runs;
pub use view::{Answer, View};

/// The state of all runs in a folder, as `--once` prints it.
pub fn text_of(folder: &Path) -> String {
    let mut runs = Runs::new(folder);
    while runs.refresh(Duration::MAX) {}
    snapshot(&runs, SystemTime::now())
}

/// The state of all runs, as text.
fn snapshot(runs: &Runs, now: SystemTime) -> String {
    let folder = runs.folder.display();
    let mut text = String::new();
    if runs.runs.is_empty() {
        text += &format!("{folder} holds no run yet\n");
    } else {
        let overview = runs.overview(now);
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
            "run",
            "state",
            "made",
            "loss",
            "λ₁",
            "η·λ₁",
            "it/s",
            "left",
        ]);
        for (run, label) in runs.runs.values().zip(runs.labels()) {
            let last = |series| short_or_dash(run.last(series));
            let product = run.last(Series::Product);
            let rate = (run.rate()).filter(|_| run.file.status == Status::Running);
            let state = match run.file.status {
                Status::Running if run.silence(now).is_none() => "running".to_owned(),
                _ => state(run, now),
            };
            table.add_row([
                label,
                state,
                format!("{}/{}", run.iterations(), run.asked()),
                last(Series::Loss),
                last(Series::Sharpness),
                product.map_or("–".to_owned(), against_two),
                rate.map_or(String::new(), short),
                left(run, now),
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        text += &format!(
            "{folder}: {}\n{table}\n{}; ▲: η·λ₁ > 2\n",
            text::counts(&overview, runs.runs.len()),
            text::progress(&overview, usize::MAX)
        );
        for run in runs.runs.values() {
            if let Some(reason) = &run.file.reason {
                let name = runs.name(&run.directory);
                text += &format!("{name}: {}: {reason}\n", run.file.status);
            }
        }
    }
    for line in runs.problem_lines() {
        text += &format!("left out: {line}\n");
    }
    text
}
