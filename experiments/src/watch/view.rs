//! What the terminal shows.

mod detail;

#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use flatland_config::Status;
use flatland_report::series::Series;
use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table, TableState};

use super::palette::Palette;
use super::run::Run;
use super::runs::Runs;
use super::text::{against_two, counts, left, progress, short, short_or_dash, spark, state};
use detail::ChartQuantity;

/// The least height that leaves room for the selected run below the list.
const DETAIL: u16 = 16;
/// Rows that PgUp and PgDn go.
const PAGE: usize = 10;

/// What the user has chosen to see.
pub struct View {
    palette: Palette,
    /// The selected run stays selected when others come and go.
    selected: Option<PathBuf>,
    table: TableState,
    quantity: ChartQuantity,
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
            quantity: ChartQuantity::Loss,
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
        let what = if runs.folder.is_dir() {
            "holds no run yet"
        } else {
            "is not there yet"
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
        let mut header = vec!["run", "state", "loss", "", "λ₁", "", " η·λ₁", "left"];
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
        let product = run.last(Series::Product);
        let is_above = product.is_some_and(|product| product > 2.0);
        let last = |series| short_or_dash(run.last(series));
        let mut cells = vec![
            Cell::new(label),
            Cell::new(state(run, now)).style(style),
            Cell::new(spark(run.curve(Series::Loss), width)).style(palette.curve),
            number(last(Series::Loss)),
            Cell::new(spark(run.curve(Series::Sharpness), width)).style(palette.curve),
            number(last(Series::Sharpness)),
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

/// The selected run, for tests.
#[cfg(test)]
impl View {
    pub fn selected(&self) -> Option<&Path> {
        self.selected.as_deref()
    }
}

#[cfg(test)]
mod tests;
