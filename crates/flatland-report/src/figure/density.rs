//! The density of a spectrum as a picture.

use std::path::Path;

use anyhow::{Context, Result};
use flatland_records::disk::write_whole;
use flatland_records::spectrum::DensityRecord;

use super::axis::{AxisScale, multiples};
use super::canvas::{AXIS, Align, Canvas, GRID, REFERENCE, described, with_dashes};
use super::style::METHODS;

const SIZE: (f64, f64) = (900.0, 470.0);
const CORNER: (f64, f64) = (80.0, 64.0);
const AXES: (f64, f64) = (780.0, 320.0);

/// A smoothed density on a logarithmic axis, and the eigenvalues of largest magnitude below it.
pub struct DensityFigure<'a> {
    /// The title.
    pub title: &'a str,
    /// The smoothed density.
    pub density: &'a DensityRecord,
    /// How many eigenvalues there are in all. The axis ends at a tenth of the bump that one of them makes: below that
    /// there is nothing to see but the feet of the Gaussians.
    pub dimension: usize,
    /// Marked by ticks below the axis.
    pub eigenvalues: &'a [f64],
    /// `2/K`, if the sharpness has that floor.
    pub floor: Option<f64>,
}

impl DensityFigure<'_> {
    /// Draws the picture as SVG, and replaces the file as a whole.
    ///
    /// # Errors
    ///
    /// The density is nowhere finite, or the file cannot be written.
    pub fn draw(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_svg()?.as_bytes())
    }

    fn to_svg(&self) -> Result<String> {
        let DensityRecord {
            points,
            densities,
            standard_deviation,
            ..
        } = self.density;
        let bump = 1.0 / (standard_deviation * std::f64::consts::TAU.sqrt());
        let least = (0.1 * bump / self.dimension as f64).log10();
        let heights = densities.iter().map(|density| density.log10().max(least));
        let curve: Vec<(f64, f64)> = points.iter().copied().zip(heights).collect();
        // Eigenvalues may lie outside of the nodes.
        let values = || points.iter().chain(self.eigenvalues).copied();
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let range =
            (AxisScale::Whole.range(std::slice::from_ref(&curve), &[])).with_context(|| {
                format!("cannot draw {}: the density is nowhere finite", self.title)
            })?;

        let (left, top) = CORNER;
        let (right, bottom, middle) = (left + AXES.0, top + AXES.1, left + AXES.0 / 2.0);
        let x = |value: f64| left + AXES.0 * (value - low) / (high - low);
        let y = |value: f64| bottom - AXES.1 * (value - range.start) / (range.end - range.start);
        let mut on = Canvas::new(SIZE, self.title);
        on.text(
            "density of eigenvalues",
            (middle, top - 15.0),
            Align::Center,
            16.0,
        );
        for (value, label) in AxisScale::Whole.ticks(&range) {
            if !label.is_empty() {
                on.line(&[(left, y(value)), (right, y(value))], GRID, 1.0);
                on.text(&label, (left - 7.0, y(value)), Align::Right, 15.0);
            }
        }
        let finest = ((high - low).log10().floor() as i32).max(-330) - 1;
        for (value, label) in multiples(&(low..high), 9, finest) {
            on.line(&[(x(value), bottom), (x(value), bottom + 4.0)], AXIS, 1.0);
            on.text(&label, (x(value), bottom + 30.0), Align::Center, 15.0);
        }
        on.text("eigenvalue", (middle, bottom + 54.0), Align::Center, 15.0);
        on.line(&[(left, top), (left, bottom), (right, bottom)], AXIS, 1.0);
        if let Some(floor) = self.floor.filter(|floor| (low..high).contains(floor)) {
            on.line(&[(x(floor), top), (x(floor), bottom)], REFERENCE, 1.0);
            let name = format!("2/K = {}", (floor * 1e4).round() / 1e4);
            on.text(&name, (x(floor) - 4.0, top + 8.0), Align::Right, 15.0);
        }
        let color = METHODS[0].1;
        for &value in self.eigenvalues {
            let tick = [(x(value), bottom + 6.0), (x(value), bottom + 18.0)];
            on.line(&tick, color, 1.5);
        }
        let places: Vec<_> = curve.iter().map(|at| (x(at.0), y(at.1))).collect();
        on.line(&places, color, 2.0);
        let svg = with_dashes(&on.finish(), REFERENCE, &[5.0, 4.0]);
        let title = format!("{}: density of eigenvalues, logarithmic", self.title);
        Ok(described(&svg, SIZE, &title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_has_its_curve_its_ticks_and_its_floor() {
        let density = DensityRecord {
            nodes: Vec::new(),
            weights: Vec::new(),
            points: vec![-1.0, 0.0, 1.0],
            densities: vec![0.0, 1.0, 1e-3],
            standard_deviation: 0.1,
        };
        let mut figure = DensityFigure {
            title: "a & b",
            density: &density,
            dimension: 1000,
            eigenvalues: &[1.5, -0.9, 0.2],
            floor: Some(0.2),
        };
        let svg = figure.to_svg().unwrap();
        for text in ["a &amp; b", "2/K = 0.2", "eigenvalue", "-1.0"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        let stroke = format!("stroke=\"{}\"", METHODS[0].1);
        assert_eq!(svg.matches(&stroke).count(), 4, "a curve and three ticks");
        figure.floor = Some(9.0);
        assert!(!figure.to_svg().unwrap().contains("2/K"), "out of sight");
    }
}
