//! `experiments watch`: a running grid in the terminal, from its records.

mod run;
mod runs;
mod tail;
mod text;
mod view;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use comfy_table::{CellAlignment, Table, presets};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use crate::cli::WatchArgs;
use crate::records::Status;
use crate::session::Ending;
use crate::signals;
use crate::words::plain;
use runs::Runs;
use text::{against_two, left, short, short_or_dash, state};
use view::{Answer, Palette, View};

/// The longest time that keys wait for a look at the records.
const BUDGET: Duration = Duration::from_millis(100);
/// How often a signal is looked for.
const PATIENCE: Duration = Duration::from_millis(250);
/// A look takes at most this share of the time, of which the runs have more need.
const SHARE: u32 = 20;

/// `experiments watch`
///
/// # Errors
///
/// RESULTS is no folder, or the terminal cannot be used.
pub fn run(arguments: &WatchArgs) -> Result<Ending> {
    let folder = &arguments.results;
    ensure!(
        folder.is_dir() || !folder.exists(),
        "{} is no folder: give the one that `experiments run` writes to, such as results/quick",
        folder.display()
    );
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    if arguments.once || is_dumb || !std::io::stdout().is_terminal() {
        ensure!(
            folder.is_dir(),
            "there is no folder {}: give the one that `experiments run` writes to, such as results/quick",
            folder.display()
        );
        return once(folder);
    }
    // Ctrl-C is a key here; this is for signals from elsewhere, after which the terminal is put right, too.
    let stopped = Arc::new(AtomicBool::new(false));
    signals::raise_flag(&stopped)?;
    let _restored = Restored;
    // It also has a panic put the terminal right before it prints its message.
    let mut terminal = ratatui::try_init().context("cannot use this terminal: try --once")?;
    let every = Duration::from_secs(arguments.every);
    watch(&mut terminal, Runs::new(folder), every, &stopped)?;
    Ok(Ending::Success)
}

/// Puts the terminal right when it goes.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn watch(
    terminal: &mut DefaultTerminal,
    mut runs: Runs,
    every: Duration,
    stopped: &AtomicBool,
) -> Result<()> {
    let no_color = std::env::var_os("NO_COLOR");
    let mut view = View::new(Palette::new(view::is_colored(no_color.as_deref())));
    let mut is_reading = true;
    let mut next = Instant::now();
    let mut is_old = true;
    while !stopped.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            let start = Instant::now();
            is_reading = runs.refresh(BUDGET);
            let pause = match is_reading {
                true => Duration::ZERO,
                false => every.max(start.elapsed() * SHARE),
            };
            next = Instant::now() + pause;
            is_old = true;
        }
        if is_old {
            terminal.draw(|frame| view.draw(frame, &runs, SystemTime::now(), is_reading))?;
            is_old = false;
        }
        let wait = next.saturating_duration_since(Instant::now());
        if event::poll(wait.min(PATIENCE))? {
            // A key, or another size.
            is_old = true;
            if let Event::Key(key) = event::read()?
                && key.is_press()
                && view.press(key, &runs) == Answer::Quit
            {
                break;
            }
        }
    }
    Ok(())
}

/// Prints the state of all runs.
fn once(folder: &Path) -> Result<Ending> {
    // A reader that has seen enough, as `head`, is no error.
    match std::io::stdout().write_all(text_of(folder).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Ending::Success),
    }
}

/// The state of all runs in a folder, as `--once` prints it.
pub fn text_of(folder: &Path) -> String {
    let mut runs = Runs::new(folder);
    while runs.refresh(Duration::MAX) {}
    printed(&runs, SystemTime::now())
}

/// The state of all runs, as a terminal may have it.
fn printed(runs: &Runs, now: SystemTime) -> String {
    plain(&snapshot(runs, now))
}

fn snapshot(runs: &Runs, now: SystemTime) -> String {
    let folder = runs.folder.display();
    let mut text = String::new();
    if runs.runs.is_empty() {
        text += &format!("{folder} holds no run yet\n");
    } else {
        let overview = runs.overview(now);
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
            "cell",
            "state",
            "made",
            "loss",
            "λ₁",
            "η·λ₁",
            "it/s",
            "left",
        ]);
        for (run, label) in runs.runs.values().zip(runs.labels()) {
            let last = |curve: &[(f64, f64)]| short_or_dash(curve.last().map(|(_, value)| *value));
            let product = run.last_product();
            let rate = (run.rate()).filter(|_| run.file.status == Status::Running);
            let state = match run.file.status {
                Status::Running if run.silence(now).is_none() => "running".to_owned(),
                _ => state(run, now),
            };
            table.add_row([
                label,
                state,
                format!("{}/{}", run.iterations(), run.asked()),
                last(&run.loss),
                last(&run.sharpness),
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
            view::counts(&overview, runs.runs.len()),
            view::progress(&overview, usize::MAX)
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
