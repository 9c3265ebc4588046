//! What the terminal shows.

mod detail;

#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

use super::run::Run;
use super::runs::{Overview, Runs};
use super::text::{against_two, duration, left, short, short_or_dash, spark, state};
use crate::records::Status;
use crate::words::counted;
use detail::Quantity;

/// The least height that leaves room for the selected cell below the list.
const DETAIL: u16 = 16;
/// Rows that PgUp and PgDn go.
const PAGE: usize = 10;

/// The styles, which a terminal without colours tells apart too. No two that stand beside each other are red and green.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    running: Style,
    bad: Style,
    /// `η·λ₁ > 2`
    above: Style,
    curve: Style,
    faint: Style,
    bold: Style,
    selected: Style,
}

impl Palette {
    pub fn new(is_colored: bool) -> Self {
        let plain = Style::new();
        let colored = |color| match is_colored {
            true => plain.fg(color),
            false => plain,
        };
        Self {
            running: colored(Color::Cyan),
            bad: colored(Color::Yellow).add_modifier(Modifier::BOLD),
            above: colored(Color::Yellow),
            curve: colored(Color::Cyan),
            faint: plain.add_modifier(Modifier::DIM),
            bold: plain.add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
        }
    }
}

/// What the user has chosen to see.
pub struct View {
    palette: Palette,
    /// The selected run stays selected when others come and go.
    selected: Option<PathBuf>,
    table: TableState,
    quantity: Quantity,
}

/// Whether to go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Stay,
    Quit,
}

impl View {
    pub fn new(palette: Palette) -> Self {
        Self {
            palette,
            selected: None,
            table: TableState::new(),
            quantity: Quantity::Loss,
        }
    }

    /// Does what a key asks for.
    pub fn press(&mut self, key: KeyEvent, runs: &Runs) -> Answer {
        let last = runs.runs.len().saturating_sub(1);
        let at = self.place(runs).unwrap_or(0);
        let to = match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Answer::Quit;
            }
            KeyCode::Char('q') | KeyCode::Esc => return Answer::Quit,
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::PageUp => at.saturating_sub(PAGE),
            KeyCode::PageDown => at + PAGE,
            KeyCode::Home => 0,
            KeyCode::End => last,
            KeyCode::Tab | KeyCode::Right => {
                self.quantity = self.quantity.next();
                at
            }
            KeyCode::BackTab | KeyCode::Left => {
                self.quantity = self.quantity.previous();
                at
            }
            _ => at,
        };
        self.selected = runs.runs.keys().nth(to.min(last)).cloned();
        Answer::Stay
    }

    /// The place of the selected run in the list; the first, if none is selected or it is gone.
    fn place(&self, runs: &Runs) -> Option<usize> {
        let place = |path: &PathBuf| runs.runs.keys().position(|directory| directory == path);
        (self.selected.as_ref().and_then(place)).or((!runs.runs.is_empty()).then_some(0))
    }

    /// Draws everything. `is_reading` while there is more to read than was read yet.
    pub fn draw(&mut self, frame: &mut Frame<'_>, runs: &Runs, now: SystemTime, is_reading: bool) {
        let area = frame.area();
        let count = runs.runs.len() as u16;
        let problems = (runs.problems.len() as u16).min(3);
        let detail = match area.height {
            height if height < DETAIL || count == 0 => 0,
            // As much as the list does not need, and half of the height at least.
            height => (height / 2).max(height.saturating_sub(count + problems + 4)),
        };
        let [head, list, notice, below, help] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Min(3),
            Constraint::Length(problems),
            Constraint::Length(detail),
            Constraint::Length(1),
        ])
        .areas(area);
        self.head(frame, head, runs, now, is_reading);
        match self.place(runs) {
            None => self.waiting(frame, list, runs),
            Some(place) => {
                self.table.select(Some(place));
                self.list(frame, list, runs, now);
                if let Some(run) = runs.runs.values().nth(place).filter(|_| detail > 0) {
                    let name = runs.name(&run.directory);
                    detail::draw(frame, below, run, &name, self.quantity, now, &self.palette);
                }
            }
        }
        self.notice(frame, notice, runs);
        let keys = "↑↓ select   Tab chart: loss, λ₁, η·λ₁, η   q quit   ▲ η·λ₁ > 2   ! not finite";
        frame.render_widget(Paragraph::new(keys).style(self.palette.faint), help);
    }

    fn head(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        runs: &Runs,
        now: SystemTime,
        is_reading: bool,
    ) {
        let overview = runs.overview(now);
        let title = Line::from(vec![
            Span::styled("flatland watch ", self.palette.bold),
            Span::raw(runs.folder.display().to_string()),
            Span::styled(
                if is_reading { "  reading…" } else { "" },
                self.palette.faint,
            ),
        ]);
        let counts = counts(&overview, runs.runs.len());
        let progress = progress(&overview, area.width.into());
        let lines = [title, Line::from(progress)];
        frame.render_widget(Paragraph::new(Text::from_iter(lines)), area);
        let area = Rect {
            height: 1.min(area.height),
            ..area
        };
        let counts = Paragraph::new(counts).alignment(Alignment::Right);
        let width = area
            .width
            .saturating_sub(runs.folder.as_os_str().len() as u16 + 16);
        let area = Rect {
            x: area.right() - width,
            width,
            ..area
        };
        frame.render_widget(counts, area);
    }

    fn waiting(&self, frame: &mut Frame<'_>, area: Rect, runs: &Runs) {
        let what = match runs.folder.is_dir() {
            true => "holds no run yet",
            false => "is not there yet",
        };
        let text = format!(
            "\n{} {what}: waiting for `experiments run`.",
            runs.folder.display()
        );
        frame.render_widget(Paragraph::new(text), area);
    }

    fn notice(&self, frame: &mut Frame<'_>, area: Rect, runs: &Runs) {
        let mut lines: Vec<Line<'_>> = (runs.problem_lines())
            .map(|line| Line::styled(format!("left out: {line}"), self.palette.bad))
            .collect();
        let room = area.height as usize;
        if lines.len() > room && room > 0 {
            let rest = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push(Line::styled(
                format!("left out: {rest} more; --once names all"),
                self.palette.bad,
            ));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn list(&mut self, frame: &mut Frame<'_>, area: Rect, runs: &Runs, now: SystemTime) {
        // What a wide terminal has beyond 80 columns goes to names and curves.
        let surplus = area.width.saturating_sub(80);
        let spark_width = 6 + (surplus / 5).min(20);
        let is_wide = surplus >= 16;
        let mut widths = vec![
            Constraint::Fill(1),
            Constraint::Length(11),
            Constraint::Length(spark_width),
            Constraint::Length(7),
            Constraint::Length(spark_width),
            Constraint::Length(7),
            Constraint::Length(7),
            Constraint::Length(6),
        ];
        let mut header = vec!["cell", "state", "loss", "", "λ₁", "", " η·λ₁", "left"];
        if is_wide {
            widths.insert(7, Constraint::Length(8));
            header.insert(7, "it/s");
        }
        let rows: Vec<Row<'_>> = (runs.runs.values().zip(runs.labels()))
            .map(|(run, label)| self.row(run, label, now, spark_width as usize, is_wide))
            .collect();
        let table = Table::new(rows, widths)
            .column_spacing(1)
            .header(Row::new(header).style(self.palette.faint))
            .row_highlight_style(self.palette.selected);
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    fn row(
        &self,
        run: &Run,
        label: String,
        now: SystemTime,
        width: usize,
        is_wide: bool,
    ) -> Row<'static> {
        let palette = &self.palette;
        let style = match run.file.status {
            Status::Running if run.silence(now).is_none() => palette.running,
            status if status.is_success() => Style::new(),
            _ => palette.bad,
        };
        let number = |text: String| Cell::new(Text::from(text).alignment(Alignment::Right));
        let product = run.last_product();
        let is_above = product.is_some_and(|product| product > 2.0);
        let last = |curve: &[(f64, f64)]| short_or_dash(curve.last().map(|(_, value)| *value));
        let mut cells = vec![
            Cell::new(label),
            Cell::new(state(run, now)).style(style),
            Cell::new(spark(&run.loss, width)).style(palette.curve),
            number(last(&run.loss)),
            Cell::new(spark(&run.sharpness, width)).style(palette.curve),
            number(last(&run.sharpness)),
            Cell::new(product.map_or(String::new(), against_two)).style(if is_above {
                palette.above
            } else {
                Style::new()
            }),
            number(left(run, now)),
        ];
        if is_wide {
            let rate = (run.rate()).filter(|_| run.file.status == Status::Running);
            cells.insert(7, number(rate.map_or(String::new(), short)));
        }
        Row::new(cells)
    }
}

/// How many runs are in which state.
pub fn counts(overview: &Overview, runs: usize) -> String {
    let counts = [
        (overview.running, "running"),
        (overview.silent, "silent"),
        (overview.failed, "failed"),
        (overview.interrupted, "interrupted"),
        (overview.ended, "done"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, state)| format!("{count} {state}"))
        .collect();
    match told.is_empty() {
        true => counted(runs, "run"),
        false => format!("{} of {runs}", told.join(", ")),
    }
}

/// The most signs of the bar that shows how much is made, and the least.
const BAR: (usize, usize) = (5, 20);

/// Iterations made of those asked for, the rate of all runs together, and the time left, in a line that is no wider than
/// that if it can be. All this is of the runs that have been begun: of those that a grid has yet to begin, no record tells.
pub fn progress(overview: &Overview, width: usize) -> String {
    let (made, asked) = overview.iterations;
    let share = match asked {
        0 => 0.0,
        asked => made as f64 / asked as f64,
    };
    let mut text = format!(" {made} of {asked} iterations begun");
    if overview.rate > 0.0 {
        text += &format!(", {}/s", short(overview.rate));
    }
    if let Some(left) = overview.left {
        text += &format!(", {} left for the runs begun", duration(left));
    }
    let bar = width.saturating_sub(text.len()).clamp(BAR.0, BAR.1);
    let full = bar.min((share * bar as f64) as usize);
    format!("{}{}{text}", "█".repeat(full), "░".repeat(bar - full))
}

/// Whether the user wants no colours: see <https://no-color.org>.
pub fn is_colored(no_color: Option<&std::ffi::OsStr>) -> bool {
    no_color.is_none_or(std::ffi::OsStr::is_empty)
}

/// The selected run, for tests.
#[cfg(test)]
impl View {
    pub fn selected(&self) -> Option<&Path> {
        self.selected.as_deref()
    }
}

#[cfg(test)]
mod tests;
