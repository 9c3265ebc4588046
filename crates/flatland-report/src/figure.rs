//! The paper's five panels as one picture.

mod axis;
mod canvas;
mod columns;
mod density;
mod early;
mod file;
mod frame;
mod panel;
mod seeds;
mod segment;
mod stack;
mod style;

use std::path::Path;

use anyhow::Result;

pub use columns::ColumnsFigure;
pub use density::DensityFigure;
pub use early::EarlyFigure;
pub use file::{PictureFormat, Resolution, write};
pub use seeds::{MedianAndRange, MethodCurves};
pub use segment::SegmentFigure;
pub use stack::stack;
pub use style::CurveStyle;

use flatland_records::disk::write_whole;

use crate::series::Series;
use axis::AxisScale;
use canvas::{Align, Canvas, REFERENCE, Rgb, Stroke, described, with_dashes};
use panel::{AXES, CELL, Panel};
use style::METHODS;

/// Methods, panel by panel.
///
/// - A value that its axis cannot show (not finite, or not positive on a logarithmic axis) is a gap.
/// - Where one curve climbs to over a thousand times the median of the curves' highest values, the
///   axis ends there and the curve leaves at the top: a run that diverges does not press the others
///   flat. Step sizes and accuracies are shown whole.
/// - A long curve is thinned to the lowest and the highest value of each of 600 stretches.
/// - Of several runs that differ in their seed, the median is drawn, and the range from the least to the largest value
///   as a band; both are over the runs that got that far.
/// - Stochastic runs are drawn by epoch. Their loss and accuracy are those of all samples; their sharpness is the mean
///   over the mini-batches, with the least and the largest as a band. Step sizes are those of every step, and the
///   product is that of a step with the sharpness of its own mini-batch.
pub struct Figure<'a> {
    /// The title.
    pub title: &'a str,
    /// `2/K`, if the sharpness has that floor.
    pub sharpness_floor: Option<f64>,
    /// `1 − c` of the methods, for the `c` of their sufficient decrease: each value once, from the least.
    pub reaches: Vec<f64>,
    /// The methods.
    pub curves: Vec<MethodCurves<'a>>,
}

const SIZE: (f64, f64) = (1200.0, 712.0);
/// The upper left corner of the first panel's axes.
const CORNER: (f64, f64) = (62.0, 70.0);
impl Figure<'_> {
    /// Draws the picture as SVG, and replaces the file as a whole.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn draw(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_svg().as_bytes())
    }

    fn to_svg(&self) -> String {
        let (panels, strokes) = (self.panels(), self.strokes());
        let points = panels.iter().flat_map(|panel| &panel.curves).flatten();
        let last = points.map(|point| point.0).fold(1.0, f64::max);
        let corner = |index: usize| {
            let (row, column) = ((index / 3) as f64, (index % 3) as f64);
            (CORNER.0 + CELL.0 * column, CORNER.1 + CELL.1 * row)
        };
        let mut canvas = Canvas::new(SIZE, self.title);
        for (index, panel) in panels.iter().enumerate() {
            panel.draw(&mut canvas, corner(index), (last, self.unit()), &strokes);
        }
        let (x, y) = corner(panels.len());
        let labels: Vec<&str> = self.labels().collect();
        let spacing = (AXES.1 / labels.len() as f64).min(26.0);
        for (index, (label, stroke)) in labels.iter().zip(&strokes).enumerate() {
            let y = y + 14.0 + spacing * index as f64;
            canvas.curve(&[(x, y), (x + 48.0, y)], stroke);
            canvas.text(label, (x + 58.0, y), Align::Left, 16.0);
        }
        let mut svg = canvas.finish();

        svg = with_dashes(&svg, REFERENCE, &[5.0, 4.0]);
        for stroke in &strokes {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let names = panels.map(|panel| panel.name).join(", ");
        let labels = labels.join(", ");
        let title = format!("{}: {names} by {}, for {labels}", self.title, self.unit());
        described(&svg, SIZE, &title)
    }

    fn is_stochastic(&self) -> bool {
        let mut runs = self.curves.iter().flat_map(|curves| &curves.runs);
        runs.any(|run| run.per_epoch.is_some())
    }

    /// What the horizontal axis counts.
    fn unit(&self) -> &'static str {
        if self.is_stochastic() {
            "epoch"
        } else {
            "iteration"
        }
    }

    fn panels(&self) -> [Panel; 5] {
        use AxisScale::{Capped, Linear, Whole};
        let of = |series: Series| {
            self.curves
                .iter()
                .map(move |curves| curves.over_seeds(series))
        };
        let percent = |mut curve: MedianAndRange| {
            curve.map_values(|share| 100.0 * share);
            curve
        };
        let mut panels = [
            Panel::new("training loss", Capped, of(Series::Loss)),
            Panel::new("sharpness λ₁", Capped, of(Series::Sharpness)),
            Panel::new("step size η", Whole, of(Series::StepSize)),
            Panel::new("sharpness × step size η·λ₁", Capped, of(Series::Product)),
            Panel::new(
                "test accuracy (%)",
                Linear,
                of(Series::TestAccuracy).map(percent),
            ),
        ];
        if self.is_stochastic() {
            panels[1].name = "λ₁ of the batches: mean, range";
            panels[1].set_bands(self.curves.iter().map(MethodCurves::range_of_batches));
        }
        let with_edge = self.curves.iter().filter(|curves| curves.edge.is_some());
        let edge = |curves: &MethodCurves<'_>| curves.over_seeds(Series::Edge).median;
        panels[1].add(with_edge.map(edge));
        if let Some(floor) = self.sharpness_floor {
            let name = format!("2/K = {}", (floor * 1e4).round() / 1e4);
            panels[1].lines.push((floor.log10(), name));
        }
        let reaches = self.reaches.iter();
        let reaches = reaches.map(|reach| (reach.log10(), "1 − c".to_owned()));
        panels[3].lines = reaches.collect();
        panels[3].lines.push((2f64.log10(), "2".to_owned()));
        panels
    }

    /// What the legend says: the runs, then the edges.
    fn labels(&self) -> impl Iterator<Item = &str> {
        let runs = self.curves.iter().map(|curves| curves.label);
        runs.chain(self.curves.iter().filter_map(|run| run.edge.as_deref()))
    }

    /// Every run's stroke, then those of the edges, which are thin. Runs of one colour differ in their dashes, and by a
    /// trace in the colour.
    fn strokes(&self) -> Vec<Stroke> {
        let mut strokes: Vec<Stroke> = Vec::new();
        let edges = self.curves.iter().filter(|run| run.edge.is_some());
        let edges = edges.map(|run| (run, true));
        for (curves, is_edge) in self.curves.iter().map(|run| (run, false)).chain(edges) {
            let label = curves.label.to_lowercase();
            let method = label.split(' ').next().unwrap_or_default();
            let layer = METHODS.iter().position(|known| known.0 == method);
            let layer = layer.unwrap_or(METHODS.len() - 1);
            let Rgb(red, green, blue) = METHODS[layer].1;
            let is_alike = |other: &&Stroke| (other.color.0, other.color.1) == (red, green);
            let earlier = strokes.iter().filter(is_alike).count();
            let color = Rgb(red, green, blue ^ earlier as u8);
            let stroke = if is_edge {
                Stroke {
                    width: 1.0,
                    ..Stroke::new(color, &[])
                }
            } else {
                Stroke::new(color, METHODS[(layer + earlier) % METHODS.len()].2)
            };
            strokes.push(Stroke { layer, ..stroke });
        }
        strokes
    }
}

#[cfg(test)]
mod tests;
