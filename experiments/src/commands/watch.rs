//! `experiments watch`: a running grid in the terminal, from its records.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use clap::Args;
use flatland_runner::signals;
use flatland_runner::stop::StopToken;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use crate::exit::Ending;
use crate::terminal::print_to;
use crate::watch::{Answer, Palette, Runs, View, is_colored, text_of};

/// The longest time that keys wait while records are read.
const BUDGET: Duration = Duration::from_millis(100);
/// How often the stop token is tested.
const PATIENCE: Duration = Duration::from_millis(250);
/// Reading takes at most one part in this many of the time, which the runs need more.
const SHARE: u32 = 20;

#[derive(Debug, Args)]
#[command(
    long_about = "Watch a grid in the terminal while it runs: every run with its state, iterations made, loss and \
        sharpness over time, η·λ₁ against 2, and the time left; of the selected run a chart, its last numbers and \
        the reason if it failed.\n\n\
        It only reads the records that a run leaves, so it can be started in another terminal, stopped and started at \
        will, before, during and after the runs. Runs that have not begun leave no record and are not listed. Folders \
        that cannot be read are named.\n\n\
        Keys: ↑ ↓ (or k j), PgUp, PgDn, Home, End select a run; Tab, ← and → change the chart: loss, λ₁, η·λ₁, η; q, Esc or \
        Ctrl-C quit. Without a terminal, as in a pipe, it prints one table and ends. NO_COLOR is respected.",
    after_help = "For instance:\n  \
        experiments watch                       everything in results/\n  \
        experiments watch results/fig1          one grid, also before it is begun\n  \
        experiments watch results/fig1 --once   its state now, as plain text\n  \
        ssh machine experiments watch results/fig1 --once\n\n\
        Exit code: 0 ended by you, or table printed; 2 RESULTS is no folder, or cannot be read."
)]
pub struct WatchArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Print one table and end, on a terminal too.
    #[arg(long)]
    pub once: bool,
    /// Seconds between two looks at the records.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
}

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
        print_to(&mut std::io::stdout(), &text_of(folder));
        return Ok(Ending::Success);
    }
    // Ctrl-C is a key here; this is for signals from elsewhere, after which the terminal is put right, too.
    let stop = StopToken::new();
    signals::raise_flag(stop.flag())?;
    let _restored = Restored;
    // It also has a panic put the terminal right before it prints its message.
    let mut terminal = ratatui::try_init().context("cannot use this terminal: try --once")?;
    let every = Duration::from_secs(arguments.every);
    watch(&mut terminal, Runs::new(folder), every, &stop)?;
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
    stop: &StopToken,
) -> Result<()> {
    let no_color = std::env::var_os("NO_COLOR");
    let mut view = View::new(Palette::new(is_colored(no_color.as_deref())));
    let mut is_reading = true;
    let mut next = Instant::now();
    let mut is_old = true;
    while !stop.is_stopped() {
        if Instant::now() >= next {
            let start = Instant::now();
            is_reading = runs.refresh(BUDGET);
            let pause = if is_reading {
                Duration::ZERO
            } else {
                every.max(start.elapsed() * SHARE)
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
