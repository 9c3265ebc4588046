//! The early phase of a run as a picture: spectrum, gradient and activations.

use std::path::Path;

use anyhow::Result;
use flatland_records::disk::write_whole;

use super::axis::AxisScale;
use super::canvas::{
    BLACK, BLUE, Canvas, GREEN, Key, ORANGE, REFERENCE, Stroke, VERMILLION, described, with_dashes,
};
use super::frame::{Axis, Frame, empty};
use crate::series::Points;
use flatland_records::DiagnosticsRow;

const SIZE: (f64, f64) = (1200.0, 560.0);
const SPECTRUM: Area = ((70.0, 100.0), (560.0, 400.0));
const NORMS: Area = ((760.0, 100.0), (410.0, 140.0));
const SHARES: Area = ((760.0, 360.0), (410.0, 140.0));

/// Upper left corner and size.
type Area = ((f64, f64), (f64, f64));

/// So many iterations have their eigenvalues drawn, evenly chosen of more.
const COLUMNS: usize = 100;
/// The axes of eigenvalues and of norms end so many decades below the highest value: what lies there is rounding.
const DECADES: f64 = 6.0;

const TRACE: Stroke = Stroke::new(BLACK, &[]);
const NORM: Stroke = Stroke::new(BLUE, &[]);
/// Of the last bias, and of dead activations.
const DASHED: Stroke = Stroke::new(GREEN, &[6.0, 3.0]);
const PAIRING: Stroke = Stroke::new(ORANGE, &[9.0, 3.0, 2.0, 3.0]);

/// The diagnostics of one run by iteration, on logarithmic axes but for shares.
///
/// - Eigenvalues are shown by magnitude: filled where positive, hollow where negative. The trace has its standard error
///   around it; where it is not positive there is a gap.
/// - The norms of the gradient's parts have their mean as a curve, the least and the largest around it, and the last
///   bias apart.
pub struct EarlyFigure<'a> {
    /// The title.
    pub title: &'a str,
    /// `2/K`, if the sharpness has that floor.
    pub floor: Option<f64>,
    /// The rows of the run.
    pub rows: &'a [DiagnosticsRow],
}

impl EarlyFigure<'_> {
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
        let mut on = Canvas::new(SIZE, self.title);
        self.draw_spectrum(&mut on);
        self.draw_norms(&mut on);
        self.draw_shares(&mut on);
        let mut svg = with_dashes(&on.finish(), REFERENCE, &[5.0, 4.0]);
        for stroke in [DASHED, PAIRING] {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let title = format!(
            "{}: eigenvalues and trace of the Hessian, norms of the gradient's parts, zero gradients, dead activations \
             and pairs of eigenvalues by iteration",
            self.title
        );
        (described(&svg, SIZE, &title), SIZE)
    }

    fn points(&self, value: impl Fn(&DiagnosticsRow) -> Option<f64>) -> Points {
        let point = |row: &DiagnosticsRow| (row.iteration as f64, value(row).unwrap_or(f64::NAN));
        self.rows.iter().map(point).collect()
    }

    fn frame<'a>(&self, name: &'a str, (corner, size): Area, y: Axis) -> Frame<'a> {
        let iterations = || self.rows.iter().map(|row| row.iteration as f64);
        let first = iterations().fold(f64::INFINITY, f64::min);
        let x = Axis::iterations(first, iterations().fold(first, f64::max));
        Frame {
            name,
            corner,
            size,
            x,
            y,
        }
    }

    fn draw_spectrum(&self, on: &mut Canvas) {
        let name = "Hessian: trace, eigenvalues λ of largest magnitude |λ|";
        let logarithm = |value: f64| if value > 0.0 { value.log10() } else { f64::NAN };
        let trace = self.points(|row| Some(logarithm(row.trace)));
        let error = |sign: f64| {
            self.points(|row| {
                Some(
                    (row.trace + sign * row.trace_standard_error)
                        .max(0.0)
                        .log10(),
                )
            })
        };
        let stride = self.rows.len().div_ceil(COLUMNS).max(1);
        let eigenvalues = (self.rows.iter().step_by(stride)).flat_map(|row| {
            let x = row.iteration as f64;
            row.eigenvalues.iter().map(move |&value| (x, value))
        });
        let eigenvalues: Points = eigenvalues.filter(|(_, value)| *value != 0.0).collect();
        let places: Points = (eigenvalues.iter())
            .map(|&(x, value)| (x, value.abs().log10()))
            .collect();
        let floor = self.floor.map(|floor| {
            let name = format!("2/K = {}", (floor * 1e4).round() / 1e4);
            (floor.log10(), name)
        });
        let floor = Vec::from_iter(floor);
        let curves = [trace.clone(), error(1.0), places.clone()];
        let Some(range) = AxisScale::Whole.range(&highest(&curves), &floor) else {
            return empty(on, name, SPECTRUM.0, SPECTRUM.1);
        };
        let bottom = range.start;
        let frame = self.frame(name, SPECTRUM, Axis::new(range, AxisScale::Whole));
        frame.draw(on, 38.0);
        let legend = [
            (Key::Marker(BLUE, true), "λ > 0"),
            (Key::Marker(VERMILLION, false), "λ < 0, drawn at |λ|"),
            (Key::Band(TRACE), "trace ± standard error"),
        ];
        on.legend((SPECTRUM.0.0 + 50.0, SPECTRUM.0.1 - 16.0), &legend);
        frame.lines(on, &floor);
        frame.band(on, &error(-1.0), &error(1.0), &TRACE);
        frame.curve(on, &above(bottom, trace), &TRACE);
        for ((_, value), place) in eigenvalues.iter().zip(places) {
            if place.1 >= bottom {
                let is_positive = *value > 0.0;
                let color = if is_positive { BLUE } else { VERMILLION };
                on.marker(frame.place(place), color, is_positive);
            }
        }
    }

    fn draw_norms(&self, on: &mut Canvas) {
        let name = "gradient norm ‖g‖ by parameter";
        let mean = self.points(|row| row.gradient_norm_mean.map(f64::log10));
        let low = self.points(|row| row.gradient_norm_min.map(f64::log10));
        let high = self.points(|row| row.gradient_norm_max.map(f64::log10));
        let last_bias = self.points(|row| row.gradient_norm_last_bias.map(f64::log10));
        let curves = [mean, low, high, last_bias];
        let Some(range) = AxisScale::Whole.range(&highest(&curves), &[]) else {
            return empty(on, name, NORMS.0, NORMS.1);
        };
        let [mean, low, high, last_bias] = curves;
        let [mean, last_bias] = [mean, last_bias].map(|curve| above(range.start, curve));
        let frame = self.frame(name, NORMS, Axis::new(range, AxisScale::Whole));
        frame.draw(on, 38.0);
        let mut legend = vec![(Key::Band(NORM), "mean, min to max")];
        if last_bias.iter().any(|point| point.1.is_finite()) {
            legend.push((Key::Curve(DASHED), "last bias"));
        }
        on.legend((NORMS.0.0 + 60.0, NORMS.0.1 - 16.0), &legend);
        frame.band(on, &low, &high, &NORM);
        frame.curve(on, &mean, &NORM);
        frame.curve(on, &last_bias, &DASHED);
    }

    fn draw_shares(&self, on: &mut Canvas) {
        let name = "shares, and how well λ after the first K pair as ±λ";
        if self.rows.is_empty() {
            return empty(on, name, SHARES.0, SHARES.1);
        }
        let zero = self.points(|row| Some(row.zero_gradient_share));
        let dead = self.points(|row| row.dead_activation_share);
        let pairing = self.points(|row| row.pairing);
        let frame = self.frame(name, SHARES, Axis::new(-0.03..1.03, AxisScale::Linear));
        frame.draw(on, 38.0);
        let mut legend = vec![
            (Key::Curve(NORM), "zero gradient"),
            (Key::Curve(DASHED), "dead activations"),
        ];
        if pairing.iter().any(|point| point.1.is_finite()) {
            legend.push((Key::Curve(PAIRING), "pairing"));
        }
        on.legend((SHARES.0.0 - 10.0, SHARES.0.1 - 16.0), &legend);
        frame.curve(on, &zero, &NORM);
        frame.curve(on, &dead, &DASHED);
        frame.curve(on, &pairing, &PAIRING);
    }
}

/// What an axis shows of curves: so many decades below their highest value.
fn highest(curves: &[Points]) -> Vec<Points> {
    let values = curves.iter().flatten().map(|point| point.1);
    let top = (values.filter(|value| value.is_finite())).fold(f64::NEG_INFINITY, f64::max);
    let curves = curves.iter().cloned();
    curves.map(|curve| above(top - DECADES, curve)).collect()
}

/// A curve with gaps where it is below the axis.
fn above(bottom: f64, mut points: Points) -> Points {
    for (_, value) in &mut points {
        if *value < bottom {
            *value = f64::NAN;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(iteration: u64) -> DiagnosticsRow {
        DiagnosticsRow {
            iteration,
            trace: 2.0,
            trace_standard_error: 0.1,
            trace_probes: 10,
            eigenvalues: vec![0.3, 0.2, -0.1, 1e-9, 0.0],
            eigenvalue_residual: 0.0,
            gradient_norm_mean: Some(0.1),
            gradient_norm_min: Some(0.0),
            gradient_norm_max: Some(0.2),
            gradient_norm_last_bias: Some(0.05),
            zero_gradient_share: 0.5,
            dead_activation_share: None,
            pairing: Some(0.9),
            hessian_products: 1,
            seconds: 0.0,
        }
    }

    #[test]
    fn signs_have_their_markers_and_the_lines_their_names() {
        let rows = [row(0), row(2), row(4)];
        let mut figure = EarlyFigure {
            title: "a & b",
            floor: Some(0.2),
            rows: &rows,
        };
        let svg = figure.to_svg().0;
        for text in [
            "a &amp; b",
            "2/K = 0.2",
            "λ &lt; 0, drawn at |λ|",
            "trace ± standard error",
            "last bias",
            "dead activations",
            "pairing",
            "iteration",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let circles = |color, is_filled| {
            let fill = format!("fill=\"{color}\"");
            let stroke = format!("stroke=\"{color}\"");
            (svg.lines().filter(|line| line.starts_with("<circle")))
                .filter(|line| line.contains(if is_filled { &fill } else { &stroke }))
                .count()
        };
        // The legend, and in each row two that are positive, one that is negative, one too small and one that is zero.
        assert_eq!(circles(BLUE, true), 1 + 3 * 2);
        assert_eq!(circles(VERMILLION, false), 1 + 3);
        assert_eq!(
            svg.matches("<polygon").count(),
            2 + 2,
            "bands and their keys"
        );
        // The mean, the share of zeros, and their keys.
        let lines = |color| svg.matches(&format!("stroke=\"{color}\" ")).count();
        assert_eq!(lines(PAIRING.color), 2);
        assert_eq!(lines(DASHED.color), 1 + 2, "no activations to be dead");
        figure.floor = None;
        assert!(!figure.to_svg().0.contains("2/K"));
        figure.rows = &[];
        assert_eq!(figure.to_svg().0.matches("no data").count(), 3);
    }

    /// One parameter that is all but dead does not press the others into a line.
    #[test]
    fn a_norm_that_is_rounding_does_not_stretch_the_axis() {
        let mut rows = [row(0), row(2), row(4)];
        let mut figure = |least| {
            rows[1].gradient_norm_min = Some(least);
            rows[1].gradient_norm_last_bias = Some(least);
            let figure = EarlyFigure {
                title: "deep",
                floor: None,
                rows: &rows,
            };
            figure.to_svg().0
        };
        let curve = |svg: &str| {
            let start = format!("stroke=\"{}\" ", NORM.color);
            let lines = svg.lines().filter(|line| line.starts_with("<polyline"));
            let mean = lines.filter(|line| line.contains(&start)).nth(1);
            mean.unwrap().to_owned()
        };
        let (deep, deeper) = (figure(1e-20), figure(1e-38));
        assert_eq!(curve(&deep), curve(&deeper), "the mean stays where it is");
        assert!(
            !deeper.contains("1e−38") && !deeper.contains("1e−2"),
            "{deeper}"
        );
    }

    #[test]
    fn a_long_run_has_its_eigenvalues_thinned() {
        let rows: Vec<_> = (0..1000).map(row).collect();
        let figure = EarlyFigure {
            title: "long",
            floor: None,
            rows: &rows,
        };
        let circles = figure.to_svg().0.matches("<circle").count();
        assert_eq!(circles, 2 + 3 * COLUMNS);
    }
}
