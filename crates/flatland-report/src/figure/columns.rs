//! Several problems side by side, a column of panels for each, as in the paper's figures.

use super::Figure;
use super::canvas::{Align, Canvas, Key, REFERENCE, Stroke, described, with_dashes};
use super::panel::AXES;
use super::seeds::MethodCurves;

/// From the axes of one panel to those of the next.
const CELL: (f64, f64) = (AXES.0 + 98.0, AXES.1 + 46.0);
/// Left of the axes of the first column.
const LEFT: f64 = 88.0;
/// The order of the panels, from the top: the paper's.
const ROWS: [usize; 5] = [0, 1, 2, 4, 3];
const LEGEND_LINE: f64 = 24.0;

/// Problems side by side, with one legend. Curves of the same label look the same in all columns.
pub struct ColumnsFigure<'a> {
    /// The title.
    pub title: &'a str,
    /// Each with its own title, above its column.
    pub columns: Vec<Figure<'a>>,
}

impl ColumnsFigure<'_> {
    /// The picture.
    pub fn to_svg(&self) -> String {
        let legend = self.legend();
        let width = LEFT + CELL.0 * self.columns.len() as f64 - 20.0;
        let lines = in_lines(&legend, width - LEFT);
        let top = 100.0 + LEGEND_LINE * (lines.len() as f64 - 1.0);
        let size = (width, top + CELL.1 * ROWS.len() as f64 + 10.0);
        let mut on = Canvas::new(size, self.title);
        let mut curves = self.columns.iter().flat_map(|figure| &figure.curves);
        let has_bands = curves.any(|curves| curves.runs.len() > 1);
        for (index, line) in lines.iter().enumerate() {
            let keys = line.iter().map(|(label, stroke)| {
                let has_band = has_bands && stroke.width > 1.0; // an edge has none
                let key = if has_band {
                    Key::Band(*stroke)
                } else {
                    Key::Curve(*stroke)
                };
                (key, *label)
            });
            let y = 52.0 + LEGEND_LINE * index as f64;
            on.legend((LEFT, y), &Vec::from_iter(keys));
        }
        let mut rows = Vec::new();
        for (index, figure) in self.columns.iter().enumerate() {
            let left = LEFT + CELL.0 * index as f64;
            let middle = left + AXES.0 / 2.0;
            on.text(figure.title, (middle, top - 16.0), Align::Center, 17.0);
            let strokes: Vec<Stroke> = figure.labels().map(|label| find(&legend, label)).collect();
            let mut panels = figure.panels();
            let points = panels.iter().flat_map(|panel| &panel.curves).flatten();
            let last = points.map(|point| point.0).fold(1.0, f64::max);
            for (row, place) in ROWS.into_iter().enumerate() {
                let y = top + CELL.1 * row as f64;
                let panel = &mut panels[place];
                if index == 0 {
                    on.upright_text(panel.name, (18.0, y + AXES.1 / 2.0), 16.0);
                    rows.push(panel.name);
                }
                panel.name = "";
                let unit = if row + 1 == ROWS.len() {
                    figure.unit()
                } else {
                    ""
                };
                panel.draw(&mut on, (left, y), (last, unit), &strokes);
            }
        }
        let mut svg = with_dashes(&on.finish(), REFERENCE, &[5.0, 4.0]);
        for (_, stroke) in &legend {
            svg = with_dashes(&svg, stroke.color, stroke.dashes);
        }
        let columns = self.columns.iter().map(|figure| figure.title);
        let labels = legend.iter().map(|(label, _)| label.as_str());
        let title = format!(
            "{}: {} for {}; columns: {}",
            self.title,
            rows.join(", "),
            Vec::from_iter(labels).join(", "),
            Vec::from_iter(columns).join(", ")
        );
        described(&svg, size, &title)
    }

    /// The labels of all columns, each once, with their strokes: those of a figure that has all curves.
    fn legend(&self) -> Vec<(String, Stroke)> {
        let mut all = Figure {
            title: "",
            sharpness_floor: None,
            reaches: Vec::new(),
            curves: Vec::new(),
        };
        for curves in self.columns.iter().flat_map(|figure| &figure.curves) {
            match (all.curves.iter_mut()).find(|known| known.label == curves.label) {
                Some(known) => known.edge = known.edge.take().or(curves.edge.clone()),
                None => all.curves.push(MethodCurves {
                    label: curves.label,
                    edge: curves.edge.clone(),
                    runs: Vec::new(),
                }),
            }
        }
        let labels = all.labels().map(str::to_owned);
        labels.zip(all.strokes()).collect()
    }
}

fn find(legend: &[(String, Stroke)], label: &str) -> Stroke {
    let known = legend.iter().find(|(known, _)| known == label);
    known.expect("the legend has the labels of all columns").1
}

/// Entries of a legend in lines that are no wider than that.
fn in_lines(legend: &[(String, Stroke)], width: f64) -> Vec<Vec<(&str, Stroke)>> {
    let (mut lines, mut used) = (vec![Vec::new()], 0.0);
    for (label, stroke) in legend {
        let entry = Canvas::legend_width(&Key::Curve(*stroke), label);
        if used > 0.0 && used + entry > width {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += entry;
        let line = lines.last_mut().expect("there is a first line");
        line.push((label.as_str(), *stroke));
    }
    lines
}
