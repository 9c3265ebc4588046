//! The selected run: a chart and its last numbers.

use std::time::SystemTime;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, Paragraph, Wrap};

use super::Palette;
use crate::grid::loss_name;
use crate::records::Status;
use crate::watch::run::Run;
use crate::watch::text::{against_two, duration, short, short_or_dash};

/// What the chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    Loss,
    Sharpness,
    Product,
    StepSize,
}

impl Quantity {
    const ALL: [Self; 4] = [Self::Loss, Self::Sharpness, Self::Product, Self::StepSize];

    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % 4]
    }

    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + 3) % 4]
    }

    fn name(self) -> &'static str {
        match self {
            Self::Loss => "training loss",
            Self::Sharpness => "sharpness λ₁",
            Self::Product => "η·λ₁, and 2",
            Self::StepSize => "step size η",
        }
    }

    fn of(self, run: &Run) -> &[(f64, f64)] {
        match self {
            Self::Loss => &run.loss,
            Self::Sharpness => &run.sharpness,
            Self::Product => &run.product,
            Self::StepSize => &run.step_size,
        }
    }
}

pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    run: &Run,
    name: &str,
    quantity: Quantity,
    now: SystemTime,
    palette: &Palette,
) {
    let title = format!(" {name} ");
    let block = Block::new().borders(Borders::TOP).title(title);
    let inside = block.inner(area);
    frame.render_widget(block.border_style(palette.faint), area);
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(31)]).areas(inside);
    chart(frame, left, run, quantity, palette);
    let numbers = Paragraph::new(numbers(run, now, palette)).wrap(Wrap { trim: false });
    frame.render_widget(numbers, right.inner(ratatui::layout::Margin::new(1, 0)));
}

/// The curve on a logarithmic axis.
fn chart(frame: &mut Frame<'_>, area: Rect, run: &Run, quantity: Quantity, palette: &Palette) {
    let curve = quantity.of(run);
    let end = curve.last().map_or(1.0, |(at, _)| at.max(1.0));
    let points = thin(curve, 2 * area.width as usize);
    let Some((low, high)) = range(&points, (quantity == Quantity::Product).then_some(2_f64)) else {
        let text = format!("{}: nothing to show yet", quantity.name());
        frame.render_widget(Paragraph::new(text).style(palette.faint), area);
        return;
    };
    let two = [(0.0, 2_f64.log10()), (end, 2_f64.log10())];
    let line = |points| {
        let dataset = Dataset::default().data(points).marker(Marker::Braille);
        dataset.graph_type(GraphType::Line)
    };
    let mut datasets = Vec::new();
    if quantity == Quantity::Product {
        datasets.push(line(&two).style(palette.above));
    }
    datasets.push(line(&points).style(palette.curve));
    let label = |log: f64| Span::raw(format!("{:>7}", short(10_f64.powf(log))));
    let x_axis = Axis::default()
        .bounds([0.0, end])
        .labels(["0".to_owned(), format!("{end:.0}")])
        .style(palette.faint);
    let y_axis = Axis::default()
        .title(quantity.name())
        .bounds([low, high])
        .labels([label(low), label((low + high) / 2.0), label(high)])
        .style(palette.faint);
    let chart = Chart::new(datasets).x_axis(x_axis).y_axis(y_axis);
    frame.render_widget(chart.legend_position(None), area);
}

/// The least and the largest logarithm among points and a line, with some room; nothing without points.
fn range(points: &[(f64, f64)], line: Option<f64>) -> Option<(f64, f64)> {
    let logs = || {
        points
            .iter()
            .map(|(_, log)| *log)
            .chain(line.map(f64::log10))
    };
    let low = logs().reduce(f64::min).filter(|_| !points.is_empty())?;
    let high = logs().reduce(f64::max)?;
    let room = (0.05 * (high - low)).max(0.02);
    Some((low - room, high + room))
}

/// At most about so many points, in logarithms: the least and the largest of each stretch. What has no logarithm is left
/// out.
fn thin(curve: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let logs: Vec<(f64, f64)> = (curve.iter())
        .map(|(at, value)| (*at, value.log10()))
        .filter(|(_, log)| log.is_finite())
        .collect();
    let stretch = logs.len().div_ceil(count.max(2) / 2).max(1);
    if stretch < 3 {
        return logs;
    }
    let ends = |points: &[(f64, f64)]| {
        let compare = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (least, most) = (points.iter().min_by(compare), points.iter().max_by(compare));
        let mut ends = Vec::from_iter(least.into_iter().chain(most).copied());
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends
    };
    logs.chunks(stretch).flat_map(ends).collect()
}

fn numbers(run: &Run, now: SystemTime, palette: &Palette) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let status = run.file.status;
    let mut line = |name: &str, text: String| {
        let name = Span::styled(format!("{name:<7}"), palette.faint);
        lines.push(Line::from(vec![name, Span::raw(text)]));
    };
    match run.silence(now) {
        Some(silence) => line(
            "state",
            format!("no row for {}; killed?", duration(silence)),
        ),
        None => line("state", status.to_string()),
    }
    let made = format!("{} of {}", run.iterations(), run.asked());
    line("made", made);
    if let Some(row) = &run.last {
        line("loss", format!("{} at {}", short(row.loss), row.iteration));
        line(
            "η",
            format!("{}, {} trials", short(row.step_size), row.trials),
        );
    }
    if let Some(row) = &run.measured {
        line(
            "λ₁",
            format!("{} at {}", short(row.sharpness), row.iteration),
        );
        line("λ min", short(row.lambda_min));
    }
    if let Some(product) = run.last_product() {
        line("η·λ₁", against_two(product));
    }
    if status == Status::Running {
        line("it/s", short_or_dash(run.rate()));
        line("left", run.left(now).map_or("–".to_owned(), duration));
    } else {
        let totals = &run.file.totals;
        line("final", short_or_dash(totals.final_loss));
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        line(
            "test",
            totals.final_test_accuracy.map_or("–".to_owned(), percent),
        );
    }
    line(
        "on",
        format!(
            "{} ({})",
            run.file.provenance.device,
            loss_name(run.config.loss)
        ),
    );
    if let Some(reason) = &run.file.reason {
        // What there is to know about a run that failed comes first.
        let reason = Line::styled(reason.clone(), palette.bad);
        lines.insert(1, reason);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_peaks() {
        let mut curve: Vec<(f64, f64)> = (0..5000).map(|at| (f64::from(at), 1.0)).collect();
        curve[1234].1 = 1e3;
        curve[4321].1 = 1e-3;
        curve[99].1 = f64::NAN;
        let points = thin(&curve, 100);
        assert!(points.len() <= 100, "{}", points.len());
        assert!(points.contains(&(1234.0, 3.0)) && points.contains(&(4321.0, -3.0)));
        assert!(points.is_sorted_by(|a, b| a.0 <= b.0));
        let (low, high) = range(&points, None).unwrap();
        assert!(low < -3.0 && high > 3.0);
        assert_eq!(range(&[], Some(2.0)), None);
        assert_eq!(thin(&curve[..3], 100).len(), 3);
    }

    #[test]
    fn tab_goes_round() {
        let start = Quantity::Loss;
        assert_eq!(start.next().next().next().next(), start);
        for quantity in Quantity::ALL {
            assert_eq!(quantity.next().previous(), quantity);
        }
    }
}
