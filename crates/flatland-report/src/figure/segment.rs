//! The smoothness along steps as a picture.

use std::path::Path;

use anyhow::Result;
use flatland_records::disk::write_whole;

use super::axis::AxisScale;
use super::canvas::{
    Align, BLACK, BLUE, Canvas, GREEN, Key, REFERENCE, Stroke, VERMILLION, described, with_dashes,
};
use super::frame::{Axis, Frame, empty};
use super::panel::{AXES, CELL};
use crate::series::Points;
use flatland_records::SegmentRow;

/// The first panel's axes, below the title and the legend.
const CORNER: (f64, f64) = (62.0, 124.0);
const WIDTH: f64 = 1200.0;
/// From the top of one row of panels to that of the next.
const ROW: f64 = CELL.1 + 18.0;

type Ratio = fn(&SegmentRow) -> f64;

/// What is measured, from the lowest layer to the highest.
const RATIOS: [(&str, Stroke, Ratio); 4] = [
    (
        "λ₁(H)",
        Stroke::new(VERMILLION, &[9.0, 3.0, 2.0, 3.0]),
        |row| row.sharpness,
    ),
    ("‖Hg‖/‖g‖", Stroke::new(GREEN, &[1.5, 2.5]), |row| {
        row.hessian_norm
    }),
    (
        "|gᵀHg|/‖g‖², hollow where negative",
        Stroke::new(BLUE, &[]),
        |row| row.curvature,
    ),
    (
        "‖∇f(w − tg) − g‖/(t‖g‖)",
        Stroke::new(BLACK, &[6.0, 3.0]),
        |row| row.gradient_change,
    ),
];

/// The smoothness of one run along its steps: a panel for each iteration measured, both axes logarithmic, with lines at
/// the step size `η` taken and at `1/η` and `2/η`. The step is large where the black curve, up to `η`, rises above
/// `1/η`; above `2/η` the edge is crossed.
pub struct SegmentFigure<'a> {
    /// The title.
    pub title: &'a str,
    /// The rows of the run.
    pub rows: &'a [SegmentRow],
}

impl SegmentFigure<'_> {
    /// Draws the picture as SVG, and replaces the file as a whole.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn draw(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_svg().0.as_bytes())
    }

    /// The picture and its size in pixels.
    pub fn to_svg(&self) -> (String, (f64, f64)) {
        let panels: Vec<_> = (self.rows.chunk_by(|a, b| a.iteration == b.iteration)).collect();
        let height = CORNER.1 + ROW * panels.len().div_ceil(3) as f64 - 52.0;
        let mut on = Canvas::new((WIDTH, height), self.title);
        let entries = RATIOS.map(|(name, stroke, _)| (Key::Both(stroke), name));
        on.legend((CORNER.0, 56.0), &entries);
        for (index, rows) in panels.iter().enumerate() {
            let (row, column) = ((index / 3) as f64, (index % 3) as f64);
            let corner = (CORNER.0 + CELL.0 * column, CORNER.1 + ROW * row);
            draw_panel(&mut on, rows, corner);
        }
        let mut svg = with_dashes(&on.finish(), REFERENCE, &[5.0, 4.0]);
        for (_, stroke, _) in RATIOS.iter().filter(|ratio| !ratio.1.dashes.is_empty()) {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let names = RATIOS.map(|ratio| ratio.0).join(", ");
        let title = format!("{}: {names} along steps", self.title);
        let size = (WIDTH, height);
        (described(&svg, size, &title), size)
    }
}

fn draw_panel(on: &mut Canvas, rows: &[SegmentRow], corner: (f64, f64)) {
    let (iteration, step_size) = (rows[0].iteration, rows[0].step_size);
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by(|a, b| a.t.total_cmp(&b.t));
    let curves = RATIOS.map(|(_, _, ratio)| -> Points {
        let point = |row: &&SegmentRow| (row.t.log10(), ratio(row).abs().log10());
        rows.iter().map(point).collect()
    });
    let (name, lines) = if step_size > 0.0 {
        (
            format!("iteration {iteration}: step size η = {}", short(step_size)),
            vec![
                (-step_size.log10(), "1/η".to_owned()),
                (2f64.log10() - step_size.log10(), "2/η".to_owned()),
            ],
        )
    } else {
        (format!("iteration {iteration}: no step"), Vec::new())
    };
    let Some(range) = AxisScale::Whole.range(&curves, &lines) else {
        return empty(on, &name, corner, AXES);
    };
    let ends = |fold: fn(f64, f64) -> f64| rows.iter().map(|row| row.t.log10()).reduce(fold);
    let (first, last) = (ends(f64::min).unwrap_or(0.0), ends(f64::max).unwrap_or(0.0));
    let frame = Frame {
        name: &name,
        corner,
        size: AXES,
        x: Axis {
            name: "step size t, with H at w − tg",
            ..Axis::new(first - 0.1..last + 0.1, AxisScale::Whole)
        },
        y: Axis::new(range.clone(), AxisScale::Whole),
    };
    frame.draw(on, 30.0);
    frame.lines(on, &lines);
    if step_size > 0.0 {
        let (x, bottom) = frame.place((step_size.log10(), range.start));
        on.line(&[(x, corner.1), (x, bottom)], REFERENCE, 1.0);
        on.text("η", (x, corner.1 - 9.0), Align::Center, 15.0);
    }
    for (curve, (_, stroke, ratio)) in curves.iter().zip(RATIOS) {
        frame.curve(on, curve, &stroke);
        for (point, row) in curve
            .iter()
            .zip(&rows)
            .filter(|(point, _)| point.1.is_finite())
        {
            let is_filled = ratio(row) > 0.0;
            on.marker(frame.place(*point), stroke.color, is_filled);
        }
    }
}

/// A number with four digits at most, without zeros at its end.
fn short(value: f64) -> String {
    let digits = (3.0 - value.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(iteration: u64, step_size: f64) -> [SegmentRow; 3] {
        [0.01, 10.0, 4.0].map(|t| SegmentRow {
            iteration,
            step_size,
            t,
            gradient_change: 2.0,
            curvature: if t > 5.0 { -0.5 } else { 0.5 },
            hessian_norm: 1.0,
            sharpness: if t > 5.0 { f64::NAN } else { 3.0 },
        })
    }

    #[test]
    fn step_sizes_are_short() {
        for (value, text) in [
            (1.0, "1"),
            (0.25, "0.25"),
            (3.113297742, "3.113"),
            (0.000976562, "0.000977"),
            (12500.0, "12500"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn each_iteration_has_a_panel_with_its_curves_and_lines() {
        let rows = [rows(0, 4.0), rows(7, 4.0), rows(9, 0.0)].concat();
        let figure = SegmentFigure {
            title: "a & b",
            rows: &rows,
        };
        let svg = figure.to_svg().0;
        for text in [
            "a &amp; b",
            "iteration 0: step size η = 4",
            "iteration 9: no step",
            "hollow where negative",
            "step size t, with H at w − tg",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let count = |text: &str| svg.lines().filter(|line| line.trim() == text).count();
        assert_eq!([count("1/η"), count("2/η"), count("η")], [2; 3]);
        for (name, Stroke { color, .. }, _) in RATIOS {
            let color = format!("\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
            let lines = svg.lines().filter(|line| line.starts_with("<polyline"));
            let lines = lines.filter(|line| line.contains(&format!("stroke={color}")));
            assert_eq!(lines.count(), 1 + 3, "{name}: the legend and three panels");
            let circles = || svg.lines().filter(|line| line.starts_with("<circle"));
            let filled = circles().filter(|line| line.contains(&format!("fill={color}")));
            let hollow = circles().filter(|line| line.contains(&format!("stroke={color}")));
            let expected = match name {
                "λ₁(H)" => (1 + 3 * 2, 0),
                _ if name.contains("hollow") => (1 + 3 * 2, 3),
                _ => (1 + 3 * 3, 0),
            };
            assert_eq!((filled.count(), hollow.count()), expected, "{name}");
        }
    }
}
