//! The paper's five panels as one picture.

mod axis;
mod canvas;
mod columns;
mod density;
mod early;
mod file;
mod frame;
mod look;
mod panel;
mod seeds;
mod segment;
mod stack;

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos::{Center, Left};

pub use canvas::save;
pub use columns::ColumnsFigure;
pub use density::DensityFigure;
pub use early::EarlyFigure;
pub use file::{Format, Resolution, write};
pub use look::Look;
pub use seeds::Recorded;
pub use segment::SegmentFigure;
pub use stack::stack;

use crate::records::SharpnessRow;
use axis::{Points, Scale};
use canvas::{
    BLUE, Canvas, GREEN, ORANGE, PURPLE, REFERENCE, SKY, Stroke, VERMILLION, described, units,
    with_dashes,
};
use panel::{AXES, Panel};

/// The curves of a method: of one run, or of several that differ in their seed.
pub struct Curves<'a> {
    /// The method's name, then what tells it from its like: `NLS`, `GD 0.1`.
    pub label: &'a str,
    pub runs: Vec<Recorded<'a>>,
    /// What the edge of a method with a fixed step size is called, to be drawn beside the sharpness.
    pub edge: Option<String>,
}

/// Methods, panel by panel.
///
/// - A value that its axis cannot show (not finite, or not positive on a logarithmic axis) is a gap.
/// - Where one curve climbs to over a thousand times the median of the curves' highest values, the
///   axis ends there and the curve leaves at the top: a run that diverges does not press the others
///   flat. Step sizes and accuracies are shown whole.
/// - A long curve is thinned to the lowest and the highest value of each of 600 stretches.
/// - Of several runs that differ in their seed, the median is drawn, and the range from the least to the largest value as
///   a band; both are over the runs that got that far.
/// - Stochastic runs are drawn by epoch. Their loss and accuracy are those of all samples; their sharpness is the mean
///   over the mini-batches, with the least and the largest as a band. Step sizes are those of every step, and the
///   product is that of a step with the sharpness of its own mini-batch.
pub struct Figure<'a> {
    pub title: &'a str,
    /// `2/K`, where the loss has that floor.
    pub sharpness_floor: Option<f64>,
    /// `1 − c` of the methods, for the `c` of their sufficient decrease: each value once, from the least.
    pub reaches: Vec<f64>,
    pub curves: Vec<Curves<'a>>,
}

const SIZE: (f64, f64) = (1200.0, 712.0);
/// Panels, three in a row; the upper left corner and the size of their axes.
const CELL: (f64, f64) = (400.0, 338.0);
const CORNER: (f64, f64) = (62.0, 70.0);
/// How each method's curves look, whatever others are drawn, from the lowest layer to the highest:
/// a colour of Okabe and Ito's, which the colour-blind can tell apart, and the lengths of dashes
/// and gaps in pixels. The last line is for any other method.
const METHODS: [(&str, RGBColor, &[f64]); 11] = [
    ("nls", VERMILLION, &[]),
    ("ponls", GREEN, &[1.5, 2.5]),
    ("ls", BLUE, &[6.0, 3.0]),
    ("nls-ub", BLACK, &[6.0, 3.0]),
    ("cdat", ORANGE, &[9.0, 3.0, 2.0, 3.0]),
    ("sam", SKY, &[3.0, 3.0]),
    ("gd", PURPLE, &[12.0, 4.0]),
    ("gd-warmup", PURPLE, &[4.0, 2.0]),
    ("gd-warmup-ub", BLACK, &[2.0, 3.0]),
    ("ponos", RGBColor(150, 150, 150), &[2.0, 2.0, 6.0, 2.0]),
    ("", RGBColor(150, 150, 150), &[5.0, 2.0]),
];

impl Figure<'_> {
    /// Draws the picture as SVG, replacing the file as a whole.
    pub fn draw(&self, path: &Path) -> Result<()> {
        save(path, self.title, self.to_svg())
    }

    fn to_svg(&self) -> Result<String> {
        let (panels, strokes) = (self.panels(), self.strokes());
        let points = panels.iter().flat_map(|panel| &panel.curves).flatten();
        let last = points.map(|point| point.0).fold(1.0, f64::max);
        let corner = |index: usize| {
            let (row, column) = ((index / 3) as f64, (index % 3) as f64);
            (CORNER.0 + CELL.0 * column, CORNER.1 + CELL.1 * row)
        };
        let (width, height) = units(SIZE);
        let mut svg = String::new();
        let backend = SVGBackend::with_string(&mut svg, (width as u32, height as u32));
        let canvas = Canvas(backend.into_drawing_area());
        canvas.0.fill(&WHITE)?;
        canvas.text(self.title, (SIZE.0 / 2.0, 22.0), Center, 19.0)?;
        for (index, panel) in panels.iter().enumerate() {
            panel.draw(&canvas, corner(index), (last, self.unit()), &strokes)?;
        }
        let (x, y) = corner(panels.len());
        let labels: Vec<&str> = self.labels().collect();
        let spacing = (AXES.1 / labels.len() as f64).min(26.0);
        for (index, (label, stroke)) in labels.iter().zip(&strokes).enumerate() {
            let y = y + 14.0 + spacing * index as f64;
            canvas.curve(&[(x, y), (x + 48.0, y)], stroke)?;
            canvas.text(label, (x + 58.0, y), Left, 16.0)?;
        }
        canvas.0.present()?;
        drop(canvas);

        svg = with_dashes(&svg, REFERENCE, &[5.0, 4.0]);
        for stroke in &strokes {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let names = panels.map(|panel| panel.name).join(", ");
        let labels = labels.join(", ");
        let title = format!("{}: {names} by {}, for {labels}", self.title, self.unit());
        Ok(described(&svg, SIZE, &title))
    }

    fn is_stochastic(&self) -> bool {
        let mut runs = self.curves.iter().flat_map(|curves| &curves.runs);
        runs.any(|run| run.per_epoch.is_some())
    }

    /// What the horizontal axis counts.
    fn unit(&self) -> &'static str {
        match self.is_stochastic() {
            false => "iteration",
            true => "epoch",
        }
    }

    fn panels(&self) -> [Panel; 5] {
        use Scale::{Capped, Linear, Whole};
        type Curve = fn(&Recorded<'_>) -> Points;
        let (loss, sharpness, accuracy): (Curve, Curve, Curve) = match self.is_stochastic() {
            false => (
                |run| run.metrics(|row| Some(row.loss)),
                |run| run.measured(|row| Some(row.sharpness)),
                |run| run.metrics(|row| Some(100.0 * row.test_accuracy?)),
            ),
            true => (
                |run| run.by_epoch(|row| Some(row.loss)),
                |run| run.by_epoch(|row| row.sharpness_mean),
                |run| run.by_epoch(|row| Some(100.0 * row.test_accuracy?)),
            ),
        };
        let of = |curve: Curve| self.curves.iter().map(move |curves| curves.together(curve));
        let product = of(|run| run.measured(SharpnessRow::product));
        let step_size = of(|run| run.metrics(|row| Some(row.step_size)));
        let mut panels = [
            Panel::new("training loss", Capped, of(loss)),
            Panel::new("sharpness λ₁", Capped, of(sharpness)),
            Panel::new("step size η", Whole, step_size),
            Panel::new("sharpness × step size η·λ₁", Capped, product),
            Panel::new("test accuracy (%)", Linear, of(accuracy)),
        ];
        if self.is_stochastic() {
            panels[1].name = "λ₁ of the batches: mean, range";
            let range = |curves: &Curves<'_>| {
                let least = curves.together(|run| run.by_epoch(|row| row.sharpness_min));
                let largest = curves.together(|run| run.by_epoch(|row| row.sharpness_max));
                let low = least.range.map_or(least.median, |(low, _)| low);
                (low, largest.range.map_or(largest.median, |(_, high)| high))
            };
            panels[1].set_bands(self.curves.iter().map(range));
        }
        let with_edge = self.curves.iter().filter(|curves| curves.edge.is_some());
        let edge = |curves: &Curves<'_>| curves.together(|run| run.measured(|row| row.edge)).median;
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
            let RGBColor(red, green, blue) = METHODS[layer].1;
            let is_alike = |other: &&Stroke| (other.color.0, other.color.1) == (red, green);
            let earlier = strokes.iter().filter(is_alike).count();
            let color = RGBColor(red, green, blue ^ earlier as u8);
            let stroke = match is_edge {
                false => Stroke::new(color, METHODS[(layer + earlier) % METHODS.len()].2),
                true => Stroke {
                    width: 1.0,
                    ..Stroke::new(color, &[])
                },
            };
            strokes.push(Stroke { layer, ..stroke });
        }
        strokes
    }
}

#[cfg(test)]
mod tests;
