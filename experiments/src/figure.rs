//! The paper's five panels in one picture.

mod axis;

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::records::{MetricsRow, SharpnessRow, write_whole};
use axis::{Axis, Points, stretches, thin};

/// One run's curves.
pub struct Curves<'a> {
    /// The method's name.
    pub label: &'a str,
    pub metrics: &'a [MetricsRow],
    pub sharpness: &'a [SharpnessRow],
}

/// Runs that differ in their method, panel by panel.
pub struct Figure<'a> {
    pub title: &'a str,
    /// `2/K`, where the loss has that floor.
    pub sharpness_floor: Option<f64>,
    /// `c` of the sufficient decrease.
    pub sufficient_decrease: f64,
    pub curves: Vec<Curves<'a>>,
}

const SIZE: (u32, u32) = (1200, 680);
const TITLE_HEIGHT: u32 = 36;
const TEXT: (&str, i32) = ("sans-serif", 14);
const SMALL_TEXT: (&str, i32) = ("sans-serif", 13);
const GREY: RGBColor = RGBColor(110, 110, 110);

/// What one panel shows.
struct Panel<'a> {
    title: &'a str,
    is_logarithmic: bool,
    curves: Vec<Points>,
    /// Dashed lines with their names.
    lines: Vec<(f64, String)>,
}

impl Figure<'_> {
    /// Draws the picture as SVG. A value that its axis cannot show (not finite, or not positive on a logarithmic one)
    /// leaves a gap; one far above the other curves is cut off at the panel's edge.
    pub fn draw(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_svg()?.as_bytes())
    }

    fn to_svg(&self) -> Result<String> {
        let mut svg = String::new();
        self.render(&mut svg)
            .map_err(|error| anyhow!("cannot draw {}: {error}", self.title))?;
        let labels: Vec<_> = self.curves.iter().map(|curves| curves.label).collect();
        let description = format!(
            "<title>{}: training loss, sharpness, step size, step size times sharpness and test accuracy \
             against the iteration, for {}</title>",
            self.title,
            labels.join(", ")
        );
        let end_of_tag = svg.find('>').map_or(0, |place| place + 1);
        svg.insert_str(end_of_tag, &description);
        Ok(svg.replacen("<svg ", "<svg role=\"img\" ", 1))
    }

    fn render(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + '_>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let title = ("sans-serif", 18)
            .into_font()
            .color(&BLACK)
            .pos(Pos::new(HPos::Center, VPos::Center));
        root.draw(&Text::new(
            self.title,
            (SIZE.0 as i32 / 2, TITLE_HEIGHT as i32 / 2),
            title,
        ))?;
        let (_, body) = root.split_vertically(TITLE_HEIGHT);
        let cells = body.split_evenly((2, 3));
        let panels = self.panels();
        let last = (panels
            .iter()
            .flat_map(|panel| panel.curves.iter().flatten()))
        .map(|(iteration, _)| *iteration)
        .fold(1.0, f64::max);
        for (cell, panel) in cells.iter().zip(&panels) {
            self.draw_panel(cell, panel, last)?;
        }
        self.draw_legend(&cells[5])?;
        root.present()?;
        Ok(())
    }

    fn panels(&self) -> [Panel<'_>; 5] {
        let metrics = |value: fn(&MetricsRow) -> Option<f64>| -> Vec<Points> {
            let points = |row: &MetricsRow| Some((row.iteration as f64, value(row)?));
            (self.curves.iter())
                .map(|curves| curves.metrics.iter().filter_map(points).collect())
                .collect()
        };
        let measured = |value: fn(&SharpnessRow) -> f64| -> Vec<Points> {
            let points = |row: &SharpnessRow| (row.iteration as f64, value(row));
            (self.curves.iter())
                .map(|curves| curves.sharpness.iter().map(points).collect())
                .collect()
        };
        let floor = self
            .sharpness_floor
            .map(|floor| (floor, format!("2/K = {floor}")));
        [
            Panel {
                title: "training loss",
                is_logarithmic: true,
                curves: metrics(|row| Some(row.loss)),
                lines: Vec::new(),
            },
            Panel {
                title: "sharpness λ₁",
                is_logarithmic: true,
                curves: measured(|row| row.sharpness),
                lines: floor.into_iter().collect(),
            },
            Panel {
                title: "step size η",
                is_logarithmic: true,
                curves: metrics(|row| Some(row.step_size)),
                lines: Vec::new(),
            },
            Panel {
                title: "sharpness × step size",
                is_logarithmic: true,
                curves: measured(|row| row.step_size_times_sharpness),
                lines: vec![
                    (1.0 - self.sufficient_decrease, "1 − c".to_owned()),
                    (2.0, "2".to_owned()),
                ],
            },
            Panel {
                title: "test accuracy (%)",
                is_logarithmic: false,
                curves: metrics(|row| row.test_accuracy.map(|share| 100.0 * share)),
                lines: Vec::new(),
            },
        ]
    }

    fn draw_panel<DB: DrawingBackend>(
        &self,
        cell: &DrawingArea<DB, plotters::coord::Shift>,
        panel: &Panel<'_>,
        last: f64,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        let lines: Vec<f64> = panel.lines.iter().map(|(value, _)| *value).collect();
        let Some(axis) = Axis::around(&panel.curves, &lines, panel.is_logarithmic) else {
            let (width, height) = cell.dim_in_pixel();
            let style = TEXT
                .into_font()
                .color(&GREY)
                .pos(Pos::new(HPos::Center, VPos::Center));
            let place = (width as i32 / 2, height as i32 / 2);
            return cell.draw(&Text::new(
                format!("{}: no data", panel.title),
                place,
                style,
            ));
        };
        let mut chart = ChartBuilder::on(cell)
            .caption(panel.title, TEXT)
            .margin_right(18)
            .margin_left(4)
            .x_label_area_size(34)
            .y_label_area_size(58)
            .build_cartesian_2d(0.0..last, axis.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_labels(6)
            .x_label_formatter(&|iteration| format!("{iteration:.0}"))
            .x_desc("iteration")
            .label_style(SMALL_TEXT)
            .axis_desc_style(SMALL_TEXT)
            .draw()?;
        for (value, name) in panel
            .lines
            .iter()
            .filter(|(value, _)| axis.range.contains(value))
        {
            let ends = [(0.0, *value), (last, *value)];
            chart.draw_series(DashedLineSeries::new(ends, 5, 4, GREY.stroke_width(1)))?;
            let style = SMALL_TEXT
                .into_font()
                .color(&GREY)
                .pos(Pos::new(HPos::Right, VPos::Bottom));
            chart.draw_series([Text::new(name.clone(), (last, *value), style)])?;
        }
        let mut curves: Vec<_> = self.curves.iter().zip(&panel.curves).collect();
        curves.sort_by_key(|(curve, _)| std::cmp::Reverse(Style::of(curve.label).width)); // thin ones on top
        for (curve, points) in curves {
            let style = Style::of(curve.label);
            for stretch in stretches(points, &axis.range) {
                let thinned = thin(stretch);
                match thinned.as_slice() {
                    [point] => {
                        chart.draw_series([Circle::new(*point, 2, style.color.filled())])?;
                    }
                    _ => {
                        let line = style.color.stroke_width(style.width);
                        match style.dash {
                            Some((on, off)) => {
                                chart.draw_series(DashedLineSeries::new(thinned, on, off, line))?
                            }
                            None => chart.draw_series(LineSeries::new(thinned, line))?,
                        };
                    }
                }
            }
        }
        Ok(())
    }

    fn draw_legend<DB: DrawingBackend>(
        &self,
        cell: &DrawingArea<DB, plotters::coord::Shift>,
    ) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
        for (index, curves) in self.curves.iter().enumerate() {
            let y = 60 + 26 * index as i32;
            let style = Style::of(curves.label);
            let line = style.color.stroke_width(style.width);
            let (on, off) = style.dash.unwrap_or((44, 0));
            let mut x = 80;
            while x < 124 {
                let end = (x + on as i32).min(124);
                cell.draw(&PathElement::new([(x, y), (end, y)], line))?;
                x = end + (off as i32).max(1);
            }
            let text = TEXT
                .into_font()
                .color(&BLACK)
                .pos(Pos::new(HPos::Left, VPos::Center));
            cell.draw(&Text::new(curves.label.to_owned(), (134, y), text))?;
        }
        Ok(())
    }
}

/// How a method's curves look, whatever others are drawn: a colour that the colour-blind can tell from the others
/// (Okabe and Ito), and a stroke.
struct Style {
    color: RGBColor,
    width: u32,
    dash: Option<(u32, u32)>,
}

impl Style {
    fn of(label: &str) -> Self {
        let method = label.split_whitespace().next().unwrap_or_default();
        let (color, width, dash) = match method {
            "LS" => (RGBColor(0, 114, 178), 1, Some((7, 3))),
            "NLS" => (RGBColor(213, 94, 0), 1, None),
            "PoNLS" => (RGBColor(0, 158, 115), 1, Some((2, 2))),
            "NLS-ub" => (RGBColor(204, 121, 167), 2, None),
            "PoNoS" => (RGBColor(86, 180, 233), 1, Some((4, 2))),
            "CDAT" => (RGBColor(230, 159, 0), 2, Some((8, 2))),
            "SAM" => (RGBColor(120, 120, 120), 2, None),
            _ => (BLACK, 1, Some((10, 3))),
        };
        Self { color, width, dash }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_names_its_curves_and_survives_having_none() {
        let mut figure = Figure {
            title: "a data set · a network",
            sharpness_floor: Some(0.2),
            sufficient_decrease: 1e-4,
            curves: Vec::new(),
        };
        assert!(figure.to_svg().unwrap().contains("no data"));
        let sharpness = [0, 10].map(|iteration| SharpnessRow {
            iteration,
            sharpness: 1.0,
            lambda_min: -0.1,
            step_size: 2.0,
            step_size_times_sharpness: 2.0,
            residual: 0.0,
            hessian_products: 10,
            seconds: 0.0,
        });
        figure.curves.push(Curves {
            label: "NLS-ub",
            metrics: &[],
            sharpness: &sharpness,
        });
        let svg = figure.to_svg().unwrap();
        for text in [
            "NLS-ub",
            "2/K = 0.2",
            "1 − c",
            "sharpness × step size",
            "role=\"img\"",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
