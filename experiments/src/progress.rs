//! How far a run is, while it runs.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use flatland_optim::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::making::Event;
use crate::say::say;

/// How often a line is printed where there is no terminal to redraw one on.
const INTERVAL: Duration = Duration::from_secs(10);

/// How often a run in a process of its own tells the one that shows it.
const TELLING: Duration = Duration::from_millis(50);

/// Where a run tells how far it is.
pub enum Progress {
    /// To the user.
    Line(Line),
    /// To the process that started this one.
    Told(Option<Instant>),
}

impl Progress {
    /// Tells where the run is after `iteration`, in `epoch` (from 0) of a stochastic run.
    pub fn report(
        &mut self,
        iteration: u64,
        step: &Step,
        sharpness: Option<f64>,
        epoch: Option<u64>,
    ) {
        let is_early = matches!(self, Self::Told(Some(last)) if last.elapsed() < TELLING);
        if is_early {
            return;
        }
        let sharpness = sharpness.map_or(String::new(), |value| format!("  λ₁ {value:.3e}"));
        let epoch = epoch.map_or(String::new(), |epoch| format!("epoch {epoch}  "));
        let done = iteration + 1;
        let state = format!(
            "{epoch}loss {:.3e}  η {:.3e}{sharpness}",
            step.loss, step.step_size
        );
        match self {
            Self::Line(line) => line.show(done, &state),
            Self::Told(last) => {
                *last = Some(Instant::now());
                Event::Progress { done, state }.tell();
            }
        }
    }
}

/// One line for a running cell: redrawn on a terminal, printed at intervals elsewhere.
pub struct Line {
    name: String,
    iterations: u64,
    start: Instant,
    printed: Instant,
    /// When it first showed iterations, and how many: what an earlier start has made says nothing of this one's speed.
    first: Option<(Instant, u64)>,
    /// Where the line is, among those of the other running cells.
    bars: MultiProgress,
    bar: Option<ProgressBar>,
}

impl Line {
    /// A line among `bars` for the cell `name`, number `index` (from 1) of `cells`.
    pub fn new(
        bars: &MultiProgress,
        name: &str,
        (index, cells): (usize, usize),
        iterations: u64,
    ) -> Self {
        let name = format!("[{index}/{cells}] {name}");
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
            bars: bars.clone(),
            bar,
        }
    }

    /// Shows how many iterations are done, and how the run does.
    pub fn show(&mut self, done: u64, state: &str) {
        let is_first = self.first.is_none();
        let (since, before) = *self.first.get_or_insert((Instant::now(), done));
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if is_first {
                bar.reset_eta();
            }
            bar.set_message(state.to_owned());
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
            self.pass_on(&format!(
                "{}  {done}/{}  {state}{left}",
                self.name, self.iterations
            ));
        }
    }

    /// Prints a line of what the run's process says, above the running ones.
    pub fn pass_on(&self, text: &str) {
        self.bars.suspend(|| say!("{text}"));
    }

    /// Replaces the line by the outcome.
    pub fn finish(self, outcome: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.start.elapsed().as_secs_f64();
        self.pass_on(&format!("{}  {outcome}  {seconds:.1} s", self.name));
    }
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
