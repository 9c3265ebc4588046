//! What the program prints: lines for the user, and the progress of runs.
//!
//! Whoever reads may be gone: a closed pipe or terminal ends nothing. Records may come from anybody: control
//! characters, which a terminal obeys, are replaced.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use flatland_records::text::plain;
use flatland_runner::RunOutcome;
use flatland_runner::observer::{Observer, Progress, RunEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use strum::{EnumMessage, VariantArray};

/// Prints a line to standard error, if it can be.
macro_rules! say {
    ($($part:tt)*) => {
        $crate::terminal::print_to(&mut std::io::stderr(), &format!("{}\n", format_args!($($part)*)))
    };
}

/// Prints a line to standard output, if it can be.
macro_rules! show {
    ($($part:tt)*) => {
        $crate::terminal::print_to(&mut std::io::stdout(), &format!("{}\n", format_args!($($part)*)))
    };
}

pub(crate) use {say, show};

/// Writes text without control characters, if it can be written.
pub fn print_to(output: &mut impl Write, text: &str) {
    let _ = output
        .write_all(plain(text).as_bytes())
        .and_then(|()| output.flush());
}

/// The value parser of an option with a few named values. `--help` explains each with its documentation.
pub fn choice<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantArray + EnumMessage + ToString + FromStr + Clone + Send + Sync + 'static,
    T::Err: std::fmt::Debug,
{
    let values = T::VARIANTS.iter().map(|value| {
        let help = value.get_documentation().unwrap_or_default();
        PossibleValue::new(value.to_string()).help(help.trim_end_matches('.').to_owned())
    });
    PossibleValuesParser::new(values).map(|name| name.parse().expect("a possible value"))
}

/// How often a line is printed where there is no terminal to redraw one on.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows the user how runs proceed.
#[derive(Default)]
pub struct TerminalObserver {
    bars: MultiProgress,
    /// The lines of the runs that are being made, by their numbers.
    lines: Mutex<BTreeMap<usize, ProgressLine>>,
}

impl TerminalObserver {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<usize, ProgressLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for TerminalObserver {
    fn observe(&self, event: &RunEvent<'_>) {
        match *event {
            RunEvent::Note(line) | RunEvent::Output { line, .. } => {
                self.bars.suspend(|| say!("{line}"));
            }
            RunEvent::Started {
                run,
                runs,
                name,
                iterations,
            } => {
                let line = ProgressLine::new(&self.bars, name, (run, runs), iterations);
                self.lines().insert(run, line);
            }
            RunEvent::Progress { run, progress } => {
                if let Some(line) = self.lines().get_mut(&run) {
                    line.show(&self.bars, progress);
                }
            }
            RunEvent::Ended { run, outcome } => {
                let line = self.lines().remove(&run);
                if let Some(line) = line {
                    line.finish(&self.bars, outcome);
                }
            }
        }
    }
}

/// The line of a run: redrawn on a terminal, printed at intervals elsewhere.
struct ProgressLine {
    name: String,
    iterations: u64,
    start: Instant,
    printed: Instant,
    /// When it first showed iterations, and how many: iterations of an earlier start say nothing about the speed.
    first: Option<(Instant, u64)>,
    bar: Option<ProgressBar>,
}

impl ProgressLine {
    /// A line among `bars` for the run `name`, number `run` (from 1) of `runs`.
    fn new(bars: &MultiProgress, name: &str, (run, runs): (usize, usize), iterations: u64) -> Self {
        let name = format!("[{run}/{runs}] {name}");
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = bars.add(ProgressBar::new(iterations).with_prefix(name.clone()));
            bar.set_style(
                ProgressStyle::with_template("{prefix} {bar:16} {pos}/{len} {wide_msg} {eta} left")
                    .expect("the template is well-formed"),
            );
            bar
        });
        let start = Instant::now();
        Self {
            name,
            iterations,
            start,
            printed: start,
            first: None,
            bar,
        }
    }

    /// Shows how far the run is.
    fn show(&mut self, bars: &MultiProgress, progress: &Progress) {
        let (done, state) = (progress.done, state(progress));
        let is_first = self.first.is_none();
        let (since, before) = *self.first.get_or_insert((Instant::now(), done));
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if is_first {
                bar.reset_eta();
            }
            bar.set_message(state);
        } else if self.printed.elapsed() >= INTERVAL {
            self.printed = Instant::now();
            let left = match left(
                since.elapsed(),
                done.saturating_sub(before),
                self.iterations.saturating_sub(done),
            ) {
                Some(left) => format!("  {left:.0} s left"),
                None => String::new(),
            };
            let Self {
                name, iterations, ..
            } = self;
            bars.suspend(|| say!("{name}  {done}/{iterations}  {state}{left}"));
        }
    }

    /// Replaces the line by the outcome.
    fn finish(self, bars: &MultiProgress, outcome: &RunOutcome) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.start.elapsed().as_secs_f64();
        bars.suspend(|| say!("{}  {outcome}  {seconds:.1} s", self.name));
    }
}

/// The numbers of a progress line.
fn state(progress: &Progress) -> String {
    let Progress {
        loss, step_size, ..
    } = progress;
    let sharpness = progress.sharpness.map(|value| format!("  λ₁ {value:.3e}"));
    let epoch = progress.epoch.map(|epoch| format!("epoch {epoch}  "));
    format!(
        "{}loss {loss:.3e}  η {step_size:.3e}{}",
        epoch.unwrap_or_default(),
        sharpness.unwrap_or_default()
    )
}

/// How many seconds the rest takes, if it takes as long for each iteration as those made.
fn left(elapsed: Duration, made: u64, rest: u64) -> Option<f64> {
    (made > 0).then(|| elapsed.as_secs_f64() * (rest as f64 / made as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_made_since_the_start() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(30), 10, 20), Some(60.0));
        assert_eq!(left(seconds(30), 10, 0), Some(0.0));
        assert_eq!(left(seconds(30), 0, 20), None);
        // More than a Duration holds.
        assert!(left(seconds(3_000_000), 1, u64::MAX).unwrap() > 1e25);
    }
}
