//! The selected run: a chart and its last numbers.

use std::time::SystemTime;

use flatland_config::Status;
use flatland_report::series::{Points, Series};
use flatland_report::thin::thin;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, Paragraph, Wrap};

use crate::watch::palette::Palette;
use crate::watch::run::Run;
use crate::watch::text::{against_two, duration, short, short_or_dash};

/// What the chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartQuantity {
    Loss,
    Sharpness,
    Product,
    StepSize,
}

impl ChartQuantity {
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

    fn series(self) -> Series {
        match self {
            Self::Loss => Series::Loss,
            Self::Sharpness => Series::Sharpness,
            Self::Product => Series::Product,
            Self::StepSize => Series::StepSize,
        }
    }
}

pub fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    run: &Run,
    name: &str,
    quantity: ChartQuantity,
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
fn chart(frame: &mut Frame<'_>, area: Rect, run: &Run, quantity: ChartQuantity, palette: &Palette) {
    let curve = run.curve(quantity.series());
    let end = curve.last().map_or(1.0, |(at, _)| at.max(1.0));
    let points = thin(&logarithms(curve), area.width as usize);
    let Some((low, high)) = range(
        &points,
        (quantity == ChartQuantity::Product).then_some(2_f64),
    ) else {
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
    if quantity == ChartQuantity::Product {
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

/// The decimal logarithms of a curve. What has no logarithm is left out.
fn logarithms(curve: &[(f64, f64)]) -> Points {
    let log = |(at, value): &(f64, f64)| (*at, value.log10());
    (curve.iter().map(log))
        .filter(|(_, log)| log.is_finite())
        .collect()
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
    if let Some(row) = run.last_step() {
        line("loss", format!("{} at {}", short(row.loss), row.iteration));
        line(
            "η",
            format!("{}, {} trials", short(row.step_size), row.trials),
        );
    }
    if let Some(row) = run.last_measurement() {
        line(
            "λ₁",
            format!("{} at {}", short(row.sharpness), row.iteration),
        );
        line("λ min", short(row.lambda_min));
    }
    if let Some(product) = run.last(Series::Product) {
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
        format!("{} ({})", run.file.provenance.device, run.config.loss),
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
    fn the_axis_holds_every_point_that_has_a_logarithm() {
        let curve = [(0.0, 1e3), (1.0, f64::NAN), (2.0, 0.0), (3.0, 1e-3)];
        let points = logarithms(&curve);
        assert_eq!(points, [(0.0, 3.0), (3.0, -3.0)]);
        let (low, high) = range(&points, None).unwrap();
        assert!(low < -3.0 && high > 3.0);
        assert!(range(&points, Some(1e5)).unwrap().1 > 5.0);
        assert_eq!(range(&[], Some(2.0)), None);
    }

    #[test]
    fn tab_goes_round() {
        let start = ChartQuantity::Loss;
        assert_eq!(start.next().next().next().next(), start);
        for quantity in ChartQuantity::ALL {
            assert_eq!(quantity.next().previous(), quantity);
        }
    }
}
