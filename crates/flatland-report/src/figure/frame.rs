//! The axes of a panel, and what is drawn between them.

use std::ops::Range;

use super::axis::{AxisScale, multiples};
use super::canvas::{AXIS, Align, Canvas, FINE_GRID, GRID, REFERENCE, Stroke};
use crate::series::Points;

/// What an axis shows. A logarithmic one measures logarithms.
pub struct Axis {
    /// What stands below a horizontal axis.
    pub name: &'static str,
    pub range: Range<f64>,
    /// Places and labels; without a label, a fine line.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis with the lines of its scale.
    pub fn new(range: Range<f64>, scale: AxisScale) -> Self {
        let ticks = scale.ticks(&range);
        Self {
            name: "",
            range,
            ticks,
        }
    }

    /// A horizontal axis of iterations, with a little room at both ends.
    pub fn iterations(first: f64, last: f64) -> Self {
        let last = last.max(first + 1.0);
        let room = 0.0155 * (last - first);
        Self {
            name: "iteration",
            range: first - room..last + room,
            ticks: multiples(&(first..last), 6, 0),
        }
    }

    /// How far along the axis a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value - self.range.start) / (self.range.end - self.range.start)
    }
}

/// A panel's axes, in pixels.
pub struct Frame<'a> {
    pub name: &'a str,
    /// The upper left.
    pub corner: (f64, f64),
    pub size: (f64, f64),
    pub x: Axis,
    pub y: Axis,
}

/// A panel that has nothing to show.
pub fn empty(on: &mut Canvas, name: &str, corner: (f64, f64), size: (f64, f64)) {
    let middle = corner.0 + size.0 / 2.0;
    on.text(name, (middle, corner.1 - 15.0), Align::Center, 16.0);
    on.text(
        "no data",
        (middle, corner.1 + size.1 / 2.0),
        Align::Center,
        15.0,
    )
}

impl Frame<'_> {
    /// Where a point lies.
    pub fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, top) = self.corner;
        (
            left + self.size.0 * self.x.share(x),
            top + self.size.1 * (1.0 - self.y.share(y)),
        )
    }

    /// Draws the axes, and the name so far above them.
    pub fn draw(&self, on: &mut Canvas, above: f64) {
        let (left, top) = self.corner;
        let (right, bottom) = (left + self.size.0, top + self.size.1);
        let middle = left + self.size.0 / 2.0;
        on.text(self.name, (middle, top - above), Align::Center, 16.0);
        for (value, label) in &self.y.ticks {
            let y = self.place((0.0, *value)).1;
            let color = if label.is_empty() { FINE_GRID } else { GRID };
            on.line(&[(left, y), (right, y)], color, 1.0);
            on.text(label, (left - 7.0, y), Align::Right, 15.0);
        }
        for (value, label) in &self.x.ticks {
            let x = self.place((*value, 0.0)).0;
            let length = if label.is_empty() { 2.0 } else { 4.0 };
            on.line(&[(x, bottom), (x, bottom + length)], AXIS, 1.0);
            on.text(label, (x, bottom + 16.0), Align::Center, 15.0);
        }
        on.text(self.x.name, (middle, bottom + 36.0), Align::Center, 15.0);
        on.line(&[(left, top), (left, bottom), (right, bottom)], AXIS, 1.0);
    }

    /// Draws dashed lines across with their names, from the lowest: a single one's below it, several ones' beside them.
    pub fn lines(&self, on: &mut Canvas, lines: &[(f64, String)]) {
        let (left, right) = (self.corner.0, self.corner.0 + self.size.0);
        let height = |value: f64| self.place((0.0, value)).1;
        let are_close = (lines.windows(2)).any(|pair| height(pair[0].0) - height(pair[1].0) < 16.0);
        let shown = lines.iter().filter(|line| line.0.is_finite());
        for (index, (value, name)) in shown.enumerate() {
            let y = height(*value);
            on.line(&[(left, y), (right, y)], REFERENCE, 1.0);
            if lines.len() == 1 {
                on.text(name, (right - 4.0, y + 12.0), Align::Right, 15.0);
            } else {
                let apart = if are_close {
                    5.0 - 10.0 * index as f64
                } else {
                    0.0
                };
                on.text(name, (right + 5.0, y + apart), Align::Left, 15.0);
            }
        }
    }

    /// Draws a curve; what is not finite is a gap.
    pub fn curve(&self, on: &mut Canvas, points: &[(f64, f64)], stroke: &Stroke) {
        let pieces = points.split(|point| !point.1.is_finite());
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let places: Vec<_> = piece.iter().map(|&point| self.place(point)).collect();
            on.curve(&places, stroke);
        }
    }

    /// Fills the area between two curves over the same abscissas, as far as it lies in the frame; where one of them is
    /// `NaN`, there is a gap.
    pub fn band(&self, on: &mut Canvas, low: &Points, high: &Points, stroke: &Stroke) {
        let within = |value: f64| value.clamp(self.y.range.start, self.y.range.end);
        let both: Vec<_> = low.iter().zip(high).collect();
        for piece in both.split(|(low, high)| low.1.is_nan() || high.1.is_nan()) {
            let upper = piece.iter().map(|(_, high)| (high.0, within(high.1)));
            let lower = piece.iter().rev().map(|(low, _)| (low.0, within(low.1)));
            let outline: Vec<_> = upper.chain(lower).map(|point| self.place(point)).collect();
            if piece.len() > 1 {
                on.area(&outline, stroke.color);
            }
        }
    }
}
