//! The density of a spectrum as a picture.

use std::path::Path;

use anyhow::{Context, Result};
use flatland_sharpness::SmoothedDensity;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos::{Center, Right};

use super::METHODS;
use super::axis::{Scale, multiples};
use super::canvas::{AXIS, Canvas, GRID, REFERENCE, described, save, units, with_dashes};

const SIZE: (f64, f64) = (900.0, 470.0);
const CORNER: (f64, f64) = (80.0, 64.0);
const AXES: (f64, f64) = (780.0, 320.0);

/// A smoothed density on a logarithmic axis, and the eigenvalues of largest magnitude below it.
pub struct DensityFigure<'a> {
    pub title: &'a str,
    pub density: &'a SmoothedDensity,
    /// How many eigenvalues there are in all. The axis ends at a tenth of the bump that one of them makes: below that
    /// there is nothing to see but the feet of the Gaussians.
    pub dimension: usize,
    /// Marked by ticks below the axis.
    pub eigenvalues: &'a [f64],
    /// `2/K`, where the loss has that floor.
    pub floor: Option<f64>,
}

impl DensityFigure<'_> {
    /// Draws the picture as SVG, replacing the file as a whole.
    pub fn draw(&self, path: &Path) -> Result<()> {
        save(path, self.title, self.to_svg())
    }

    fn to_svg(&self) -> Result<String> {
        let SmoothedDensity {
            points,
            densities,
            standard_deviation,
        } = self.density;
        let bump = 1.0 / (standard_deviation * std::f64::consts::TAU.sqrt());
        let least = (0.1 * bump / self.dimension as f64).log10();
        let heights = densities.iter().map(|density| density.log10().max(least));
        let curve: Vec<(f64, f64)> = points.iter().copied().zip(heights).collect();
        // Eigenvalues may lie outside of the nodes.
        let values = || points.iter().chain(self.eigenvalues).copied();
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let range = (Scale::Whole.range(std::slice::from_ref(&curve), &[]))
            .context("the density is nowhere finite")?;

        let (left, top) = CORNER;
        let (right, bottom, middle) = (left + AXES.0, top + AXES.1, left + AXES.0 / 2.0);
        let x = |value: f64| left + AXES.0 * (value - low) / (high - low);
        let y = |value: f64| bottom - AXES.1 * (value - range.start) / (range.end - range.start);
        let (width, height) = units(SIZE);
        let mut svg = String::new();
        let backend = SVGBackend::with_string(&mut svg, (width as u32, height as u32));
        let on = Canvas(backend.into_drawing_area());
        on.0.fill(&WHITE)?;
        on.text(self.title, (SIZE.0 / 2.0, 22.0), Center, 19.0)?;
        on.text("density of eigenvalues", (middle, top - 15.0), Center, 16.0)?;
        for (value, label) in Scale::Whole.ticks(&range) {
            if !label.is_empty() {
                on.line(&[(left, y(value)), (right, y(value))], GRID, 1.0)?;
                on.text(&label, (left - 7.0, y(value)), Right, 15.0)?;
            }
        }
        let finest = ((high - low).log10().floor() as i32).max(-330) - 1;
        for (value, label) in multiples(&(low..high), 9, finest) {
            on.line(&[(x(value), bottom), (x(value), bottom + 4.0)], AXIS, 1.0)?;
            on.text(&label, (x(value), bottom + 30.0), Center, 15.0)?;
        }
        on.text("eigenvalue", (middle, bottom + 54.0), Center, 15.0)?;
        on.line(&[(left, top), (left, bottom), (right, bottom)], AXIS, 1.0)?;
        if let Some(floor) = self.floor.filter(|floor| (low..high).contains(floor)) {
            on.line(&[(x(floor), top), (x(floor), bottom)], REFERENCE, 1.0)?;
            let name = format!("2/K = {}", (floor * 1e4).round() / 1e4);
            on.text(&name, (x(floor) - 4.0, top + 8.0), Right, 15.0)?;
        }
        let color = METHODS[0].1;
        for &value in self.eigenvalues {
            let tick = [(x(value), bottom + 6.0), (x(value), bottom + 18.0)];
            on.line(&tick, color, 1.5)?;
        }
        let places: Vec<_> = curve.iter().map(|at| (x(at.0), y(at.1))).collect();
        on.line(&places, color, 2.0)?;
        on.0.present()?;
        drop(on);

        let svg = with_dashes(&svg, REFERENCE, &[5.0, 4.0]);
        let title = format!("{}: density of eigenvalues, logarithmic", self.title);
        Ok(described(&svg, SIZE, &title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_density_has_its_curve_its_ticks_and_its_floor() {
        let density = SmoothedDensity {
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
        let RGBColor(red, green, blue) = METHODS[0].1;
        let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
        assert_eq!(svg.matches(&stroke).count(), 4, "a curve and three ticks");
        figure.floor = Some(9.0);
        assert!(!figure.to_svg().unwrap().contains("2/K"), "out of sight");
    }
}
