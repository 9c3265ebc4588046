//! The paper's five panels as one picture.

mod axis;
mod density;

use std::path::Path;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos::{self, Center, Left, Right};
use plotters::style::text_anchor::{Pos, VPos};

use crate::records::{EpochRow, MetricsRow, SharpnessRow, write_whole};
pub use density::DensityFigure;

use axis::{Points, Scale, cut, multiples, thin};

/// One run's curves.
pub struct Curves<'a> {
    /// The method's name, then what tells it from its like: `NLS`, `GD 0.1`.
    pub label: &'a str,
    pub metrics: &'a [MetricsRow],
    pub sharpness: &'a [SharpnessRow],
    /// Of a stochastic run.
    pub epochs: &'a [EpochRow],
    /// Iterations in an epoch of a stochastic run.
    pub per_epoch: Option<u64>,
}

/// Runs that differ in their method, panel by panel.
///
/// - A value that its axis cannot show (not finite, or not positive on a logarithmic axis) is a gap.
/// - Where one curve climbs to over a thousand times the median of the curves' highest values, the
///   axis ends there and the curve leaves at the top: a run that diverges does not press the others
///   flat. Step sizes and accuracies are shown whole.
/// - A long curve is thinned to the lowest and the highest value of each of 600 stretches.
/// - Stochastic runs are drawn by epoch. Their loss and accuracy are those of all samples; their sharpness is the mean
///   over the mini-batches, with the least and the largest as thin lines. Step sizes are those of every step, and the
///   product is that of a step with the sharpness of its own mini-batch.
pub struct Figure<'a> {
    pub title: &'a str,
    /// `2/K`, where the loss has that floor.
    pub sharpness_floor: Option<f64>,
    /// `c` of the sufficient decrease.
    pub sufficient_decrease: f64,
    pub curves: Vec<Curves<'a>>,
}

const SIZE: (f64, f64) = (1200.0, 712.0);
/// Panels, three in a row; the upper left corner and the size of their axes.
const CELL: (f64, f64) = (400.0, 338.0);
const CORNER: (f64, f64) = (62.0, 70.0);
const AXES: (f64, f64) = (296.0, 250.0);
/// Drawing units per pixel: plotters places everything on whole units.
const UNITS: f64 = 4.0;

const AXIS: RGBColor = RGBColor(90, 90, 90);
const GRID: RGBColor = RGBColor(222, 222, 222);
const FINE_GRID: RGBColor = RGBColor(243, 243, 243);
const REFERENCE: RGBColor = RGBColor(85, 85, 85);

/// How each method's curves look, whatever others are drawn, from the lowest layer to the highest:
/// a colour of Okabe and Ito's, which the colour-blind can tell apart, and the lengths of dashes
/// and gaps in pixels. The last line is for any other method.
const METHODS: [(&str, RGBColor, &[f64]); 11] = [
    ("nls", RGBColor(213, 94, 0), &[]),
    ("ponls", RGBColor(0, 158, 115), &[1.5, 2.5]),
    ("ls", RGBColor(0, 114, 178), &[6.0, 3.0]),
    ("nls-ub", RGBColor(0, 0, 0), &[6.0, 3.0]),
    ("cdat", RGBColor(230, 159, 0), &[9.0, 3.0, 2.0, 3.0]),
    ("sam", RGBColor(86, 180, 233), &[3.0, 3.0]),
    ("gd", RGBColor(204, 121, 167), &[12.0, 4.0]),
    ("gd-warmup", RGBColor(204, 121, 167), &[4.0, 2.0]),
    ("gd-warmup-ub", RGBColor(204, 121, 167), &[8.0, 2.0]),
    ("ponos", RGBColor(150, 150, 150), &[2.0, 2.0, 6.0, 2.0]),
    ("", RGBColor(150, 150, 150), &[5.0, 2.0]),
];

struct Stroke {
    color: RGBColor,
    dashes: &'static [f64],
    layer: usize,
}

impl Curves<'_> {
    /// Where an iteration lies on the axis.
    fn place(&self, iteration: u64) -> f64 {
        iteration as f64 / self.per_epoch.unwrap_or(1) as f64
    }

    fn recorded(&self, value: fn(&MetricsRow) -> Option<f64>) -> Points {
        let point = |row: &MetricsRow| Some((self.place(row.iteration), value(row)?));
        self.metrics.iter().filter_map(point).collect()
    }

    fn measured(&self, value: fn(&SharpnessRow) -> f64) -> Points {
        let point = |row: &SharpnessRow| (self.place(row.iteration), value(row));
        self.sharpness.iter().map(point).collect()
    }

    fn by_epoch(&self, value: fn(&EpochRow) -> Option<f64>) -> Points {
        let point = |row: &EpochRow| Some((row.epoch as f64, value(row)?));
        self.epochs.iter().filter_map(point).collect()
    }
}

impl Figure<'_> {
    /// Draws the picture as SVG, replacing the file as a whole.
    pub fn draw(&self, path: &Path) -> Result<()> {
        let svg = self.to_svg();
        let svg = svg.with_context(|| format!("cannot draw the picture of {}", self.title))?;
        write_whole(path, svg.as_bytes())
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
        let spacing = (AXES.1 / self.curves.len() as f64).min(26.0);
        for (index, (curves, stroke)) in self.curves.iter().zip(&strokes).enumerate() {
            let y = y + 14.0 + spacing * index as f64;
            canvas.curve(&[(x, y), (x + 48.0, y)], stroke)?;
            canvas.text(curves.label, (x + 58.0, y), Left, 16.0)?;
        }
        canvas.0.present()?;
        drop(canvas);

        svg = with_dashes(&svg, REFERENCE, &[5.0, 4.0]);
        for stroke in &strokes {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let names = panels.map(|panel| panel.name).join(", ");
        let labels: Vec<_> = self.curves.iter().map(|curves| curves.label).collect();
        let labels = labels.join(", ");
        let title = format!("{}: {names} by {}, for {labels}", self.title, self.unit());
        Ok(described(&svg, SIZE, &title))
    }

    fn is_stochastic(&self) -> bool {
        self.curves.iter().any(|run| run.per_epoch.is_some())
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
        let runs = || self.curves.iter();
        let is_stochastic = self.is_stochastic();
        let loss = runs().map(|run| match is_stochastic {
            false => run.recorded(|row| Some(row.loss)),
            true => run.by_epoch(|row| Some(row.loss)),
        });
        let sharpness = runs().map(|run| match is_stochastic {
            false => run.measured(|row| row.sharpness),
            true => run.by_epoch(|row| row.sharpness_mean),
        });
        let least = runs().map(|run| run.by_epoch(|row| row.sharpness_min));
        let largest = runs().map(|run| run.by_epoch(|row| row.sharpness_max));
        let bounds = least.chain(largest).filter(|_| is_stochastic);
        let step_size = runs().map(|run| run.recorded(|row| Some(row.step_size)));
        let product = runs().map(|run| run.measured(|row| row.step_size_times_sharpness));
        let accuracy = runs().map(|run| match is_stochastic {
            false => run.recorded(|row| Some(100.0 * row.test_accuracy?)),
            true => run.by_epoch(|row| Some(100.0 * row.test_accuracy?)),
        });
        let mut panels = [
            Panel::new("training loss", Capped, loss),
            Panel::new("sharpness λ₁", Capped, sharpness.chain(bounds)),
            Panel::new("step size η", Whole, step_size),
            Panel::new("sharpness × step size η·λ₁", Capped, product),
            Panel::new("test accuracy (%)", Linear, accuracy),
        ];
        if is_stochastic {
            panels[1].name = "sharpness λ₁ of the batches: mean and range";
        }
        if let Some(floor) = self.sharpness_floor {
            let name = format!("2/K = {}", (floor * 1e4).round() / 1e4);
            panels[1].lines.push((floor.log10(), name));
        }
        let edge = (1.0 - self.sufficient_decrease).log10();
        panels[3].lines = vec![(edge, "1 − c".to_owned()), (2f64.log10(), "2".to_owned())];
        panels
    }

    /// Every run's stroke. Runs of one colour differ in their dashes, and by a trace in the colour.
    fn strokes(&self) -> Vec<Stroke> {
        let mut strokes: Vec<Stroke> = Vec::new();
        for curves in &self.curves {
            let label = curves.label.to_lowercase();
            let method = label.split(' ').next().unwrap_or_default();
            let layer = METHODS.iter().position(|known| known.0 == method);
            let layer = layer.unwrap_or(METHODS.len() - 1);
            let RGBColor(red, green, blue) = METHODS[layer].1;
            let is_alike = |other: &&Stroke| (other.color.0, other.color.1) == (red, green);
            let earlier = strokes.iter().filter(is_alike).count();
            let color = RGBColor(red, green, blue ^ earlier as u8);
            let dashes = METHODS[(layer + earlier) % METHODS.len()].2;
            strokes.push(Stroke {
                layer,
                color,
                dashes,
            });
        }
        strokes
    }
}

fn units((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

/// A finished drawing with its size in pixels and a title for those who cannot see it.
fn described(svg: &str, size: (f64, f64), title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let (width, height) = units(size);
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("role=\"img\" width=\"{}\" height=\"{}\"", size.0, size.1);
    let svg = svg.replacen(&drawn, &shown, 1);
    svg.replacen('>', &format!("><title>{title}</title>"), 1)
}

/// Adds dashes to the lines of a colour: plotters would draw dash by dash, at many times the size.
fn with_dashes(svg: &str, RGBColor(red, green, blue): RGBColor, lengths: &[f64]) -> String {
    let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
    let lengths = lengths.iter().map(|length| (length * UNITS).to_string());
    let dashes = Vec::from_iter(lengths).join(" ");
    let dashed = format!("{stroke} stroke-linejoin=\"round\" stroke-dasharray=\"{dashes}\"");
    svg.replace(&stroke, &dashed)
}

/// Draws at places given in pixels.
struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

impl Canvas<'_> {
    fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) -> Result<()> {
        let places: Vec<_> = points.iter().map(|&point| units(point)).collect();
        let style = color.stroke_width((width * UNITS) as u32);
        Ok(self.0.draw(&PathElement::new(places, style))?)
    }

    /// A line, or a dot for a single point.
    fn curve(&self, points: &[(f64, f64)], stroke: &Stroke) -> Result<()> {
        match points {
            [point] => {
                let dot = Circle::new(units(*point), 3.0 * UNITS, stroke.color.filled());
                Ok(self.0.draw(&dot)?)
            }
            _ if stroke.dashes.is_empty() => self.line(points, stroke.color, 2.5),
            _ => self.line(points, stroke.color, 1.5),
        }
    }

    fn text(&self, words: &str, place: (f64, f64), align: HPos, size: f64) -> Result<()> {
        let font = ("sans-serif", 1.24 * size * UNITS).into_font(); // the backend divides by 1.24
        let style = font.color(&BLACK).pos(Pos::new(align, VPos::Center));
        Ok(self.0.draw_text(words, &style, units(place))?)
    }
}

/// What one panel shows. A logarithmic one holds logarithms; what is not finite is a gap.
struct Panel {
    name: &'static str,
    scale: Scale,
    /// One for each run; then thin ones, again one for each run, and so on.
    curves: Vec<Points>,
    /// Dashed lines with their names, from the lowest.
    lines: Vec<(f64, String)>,
}

impl Panel {
    fn new(name: &'static str, scale: Scale, curves: impl Iterator<Item = Points>) -> Self {
        let mut curves: Vec<_> = curves.collect();
        if scale != Scale::Linear {
            (curves.iter_mut().flatten()).for_each(|(_, value)| *value = value.log10());
        }
        let lines = Vec::new();
        Self {
            name,
            scale,
            curves,
            lines,
        }
    }

    fn draw(
        &self,
        on: &Canvas,
        corner: (f64, f64),
        (last, unit): (f64, &str),
        strokes: &[Stroke],
    ) -> Result<()> {
        let (left, top) = corner;
        let (right, bottom, middle) = (left + AXES.0, top + AXES.1, left + AXES.0 / 2.0);
        on.text(self.name, (middle, top - 15.0), Center, 16.0)?;
        let Some(range) = self.scale.range(&self.curves, &self.lines) else {
            return on.text("no data", (middle, top + AXES.1 / 2.0), Center, 15.0);
        };
        let x = |iteration: f64| left + AXES.0 * (0.015 + 0.97 * iteration / last);
        let y = |value: f64| bottom - AXES.1 * (value - range.start) / (range.end - range.start);
        let across = |y: f64, color| on.line(&[(left, y), (right, y)], color, 1.0);

        for (value, label) in self.scale.ticks(&range) {
            let y = y(value);
            across(y, if label.is_empty() { FINE_GRID } else { GRID })?;
            on.text(&label, (left - 7.0, y), Right, 15.0)?;
        }
        for (iteration, label) in multiples(&(0.0..last), 6, 0) {
            let x = x(iteration);
            on.line(&[(x, bottom), (x, bottom + 4.0)], AXIS, 1.0)?;
            on.text(&label, (x, bottom + 16.0), Center, 15.0)?;
        }
        on.text(unit, (middle, bottom + 36.0), Center, 15.0)?;
        on.line(&[(left, top), (left, bottom), (right, bottom)], AXIS, 1.0)?;
        for (index, (value, name)) in self.lines.iter().enumerate() {
            let y = y(*value);
            across(y, REFERENCE)?;
            if self.lines.len() == 1 {
                on.text(name, (right - 4.0, y + 12.0), Right, 15.0)?;
            } else {
                let apart = 5.0 - 10.0 * index as f64; // the lines may lie close
                on.text(name, (right + 5.0, y + apart), Left, 15.0)?;
            }
        }
        let curves = self.curves.iter().zip(strokes.iter().cycle());
        let mut curves: Vec<_> = curves.enumerate().collect();
        curves.sort_by_key(|(_, (_, stroke))| stroke.layer);
        for (index, (curve, stroke)) in curves {
            let points = cut(&thin(curve), range.end);
            let pieces = points.split(|point| !point.1.is_finite());
            for piece in pieces.filter(|piece| !piece.is_empty()) {
                let places: Vec<_> = piece.iter().map(|point| (x(point.0), y(point.1))).collect();
                match index < strokes.len() {
                    true => on.curve(&places, stroke)?,
                    false => on.line(&places, stroke.color, 0.75)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_names_its_lines_and_has_a_curve_for_each_run() {
        let sharpness = [0, 10].map(|iteration| SharpnessRow {
            iteration,
            sharpness: 1.0,
            lambda_min: -0.1,
            step_size: 2.0,
            step_size_times_sharpness: 2.0,
            edge: Some(1.0),
            residual: 0.0,
            hessian_products: 10,
            seconds: 0.0,
        });
        let curves = ["NLS-ub", "GD 0.1", "GD 1", "GD < 2"].map(|label| Curves {
            label,
            metrics: &[],
            sharpness: &sharpness,
            epochs: &[],
            per_epoch: None,
        });
        let mut figure = Figure {
            title: "a data set & a network",
            sharpness_floor: Some(2.0 / 26.0),
            sufficient_decrease: 1e-4,
            curves: Vec::from(curves),
        };
        let svg = figure.to_svg().unwrap();
        for text in [
            "NLS-ub",
            "2/K = 0.0769",
            "1 − c",
            "η·λ₁",
            "no data",
            "GD &lt; 2",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        for Stroke { color, .. } in figure.strokes() {
            let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", color.0, color.1, color.2);
            // The legend, the sharpness and its product with the step size.
            assert_eq!(svg.matches(&stroke).count(), 3, "{stroke}");
        }
        figure.curves.clear();
        assert_eq!(figure.to_svg().unwrap().matches("no data").count(), 5);
    }

    #[test]
    fn a_stochastic_run_is_drawn_by_epoch_with_the_range_of_its_batches() {
        let epochs = [0, 2, 4].map(|epoch| EpochRow {
            epoch,
            iteration: 20 * epoch,
            steps: 20,
            loss: 1.0 / (1.0 + epoch as f64),
            train_accuracy: 0.5,
            test_loss: Some(1.0),
            test_accuracy: Some(0.5),
            sharpness_mean: Some(3.0),
            sharpness_min: Some(2.0),
            sharpness_max: Some(4.0),
            lambda_min: Some(-1.0),
            hessian_products: 400,
            seconds: 1.0,
            measuring_seconds: 1.0,
        });
        let figure = Figure {
            title: "stochastic",
            sharpness_floor: None,
            sufficient_decrease: 0.5,
            curves: vec![Curves {
                label: "PoNoS",
                metrics: &[],
                sharpness: &[],
                epochs: &epochs,
                per_epoch: Some(20),
            }],
        };
        let panels = figure.panels();
        assert_eq!(panels[0].curves[0][1], (2.0, (1f64 / 3.0).log10()));
        let sharpness: Vec<f64> = (panels[1].curves.iter())
            .map(|curve| 10f64.powf(curve[2].1).round())
            .collect();
        assert_eq!(sharpness, [3.0, 2.0, 4.0]);
        let svg = figure.to_svg().unwrap();
        assert!(
            svg.contains(">\nepoch\n<") && !svg.contains(">\niteration\n<"),
            "{svg}"
        );
    }
}
