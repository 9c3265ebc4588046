//! One of the five panels.

use super::axis::{AxisScale, STRETCHES, cut, thin_band};
use super::canvas::{Canvas, Stroke};
use super::frame::{self, Axis, Frame};
use super::seeds::MedianAndRange;
use crate::series::Points;
use crate::thin::thin;

/// The size of the axes, in pixels.
pub const AXES: (f64, f64) = (296.0, 250.0);

/// From one panel to the next, three in a row, in pixels.
pub const CELL: (f64, f64) = (400.0, 338.0);

/// What one panel shows. A logarithmic one holds logarithms; what is not finite is a gap.
pub struct Panel {
    pub name: &'static str,
    pub scale: AxisScale,
    /// One for each method, then those of the edges.
    pub curves: Vec<Points>,
    /// The least and the largest values for each method; nothing where there is only one.
    pub bands: Vec<(Points, Points)>,
    /// Dashed lines with their names, from the lowest.
    pub lines: Vec<(f64, String)>,
}

impl Panel {
    /// A panel without lines.
    pub fn new(
        name: &'static str,
        scale: AxisScale,
        curves: impl Iterator<Item = MedianAndRange>,
    ) -> Self {
        let (medians, ranges): (Vec<_>, Vec<_>) =
            curves.map(|curve| (curve.median, curve.range)).unzip();
        let mut panel = Self {
            name,
            scale,
            curves: Vec::new(),
            bands: Vec::new(),
            lines: Vec::new(),
        };
        panel.add(medians.into_iter());
        panel.set_bands(ranges.into_iter().map(Option::unwrap_or_default));
        panel
    }

    /// Adds curves after the others.
    pub fn add(&mut self, curves: impl Iterator<Item = Points>) {
        let scale = self.scale;
        self.curves
            .extend(curves.map(|curve| on_scale(scale, curve)));
    }

    /// Has these bands in place of others.
    pub fn set_bands(&mut self, bands: impl Iterator<Item = (Points, Points)>) {
        let scale = self.scale;
        let bands = bands.map(|(low, high)| (on_scale(scale, low), on_scale(scale, high)));
        self.bands = bands.collect();
    }

    /// Draws it with its upper left corner there; iterations, or another `unit`, go from 0 to `last`.
    pub fn draw(
        &self,
        on: &mut Canvas,
        corner: (f64, f64),
        (last, unit): (f64, &'static str),
        strokes: &[Stroke],
    ) {
        let bounds = self.bands.iter().flat_map(|(low, high)| [low, high]);
        let all: Vec<Points> = self.curves.iter().chain(bounds).cloned().collect();
        let Some(range) = self.scale.range(&all, &self.lines) else {
            return frame::empty(on, self.name, corner, AXES);
        };
        let top = range.end;
        let frame = Frame {
            name: self.name,
            corner,
            size: AXES,
            x: Axis {
                name: unit,
                ..Axis::iterations(0.0, last)
            },
            y: Axis::new(range, self.scale),
        };
        frame.draw(on, 15.0);
        frame.lines(on, &self.lines);
        for ((low, high), stroke) in self.bands.iter().zip(strokes) {
            let (low, high) = thin_band(low, high);
            frame.band(on, &low, &high, stroke);
        }
        let mut curves: Vec<_> = self.curves.iter().zip(strokes).collect();
        curves.sort_by_key(|(_, stroke)| stroke.layer);
        for (curve, stroke) in curves {
            frame.curve(on, &cut(&thin(curve, STRETCHES), top), stroke);
        }
    }
}

/// Points as an axis measures them.
fn on_scale(scale: AxisScale, mut points: Points) -> Points {
    if scale != AxisScale::Linear {
        (points.iter_mut()).for_each(|(_, value)| *value = value.log10());
    }
    points
}
