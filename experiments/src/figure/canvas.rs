//! A drawing area in pixels, and the SVG that comes of it.

use std::path::Path;

use anyhow::{Context, Result};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos::{self, Left};
use plotters::style::text_anchor::{Pos, VPos};

use crate::records::write_whole;

/// Drawing units per pixel: plotters places everything on whole units.
const UNITS: f64 = 4.0;

pub const AXIS: RGBColor = RGBColor(90, 90, 90);
pub const GRID: RGBColor = RGBColor(222, 222, 222);
pub const FINE_GRID: RGBColor = RGBColor(243, 243, 243);
pub const REFERENCE: RGBColor = RGBColor(85, 85, 85);

/// Colours of Okabe and Ito's, which the colour-blind can tell apart.
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub const SKY: RGBColor = RGBColor(86, 180, 233);
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
pub const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);

/// How a curve is drawn. Dashes are added to all lines of a colour at once, by [`with_dashes`].
#[derive(Clone, Copy)]
pub struct Stroke {
    pub color: RGBColor,
    /// Lengths of dashes and gaps in pixels.
    pub dashes: &'static [f64],
    /// In pixels.
    pub width: f64,
    /// Higher ones are drawn later.
    pub layer: usize,
}

impl Stroke {
    /// A curve of the usual width, in the lowest layer.
    pub const fn new(color: RGBColor, dashes: &'static [f64]) -> Self {
        let width = if dashes.is_empty() { 2.5 } else { 1.5 };
        Self {
            color,
            dashes,
            width,
            layer: 0,
        }
    }
}

pub fn units((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

/// Writes a drawing, replacing the file as a whole.
pub fn save(path: &Path, title: &str, svg: Result<String>) -> Result<()> {
    let svg = svg.with_context(|| format!("cannot draw the picture of {title}"))?;
    write_whole(path, svg.as_bytes())
}

/// A finished drawing with its size in pixels and a title for those who cannot see it.
pub fn described(svg: &str, size: (f64, f64), title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let (width, height) = units(size);
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("role=\"img\" width=\"{}\" height=\"{}\"", size.0, size.1);
    let svg = svg.replacen(&drawn, &shown, 1);
    svg.replacen('>', &format!("><title>{title}</title>"), 1)
}

/// Adds dashes to the lines of a colour: plotters would draw dash by dash, at many times the size.
pub fn with_dashes(svg: &str, RGBColor(red, green, blue): RGBColor, lengths: &[f64]) -> String {
    let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
    let lengths = lengths.iter().map(|length| (length * UNITS).to_string());
    let dashes = Vec::from_iter(lengths).join(" ");
    let dashed = format!("{stroke} stroke-linejoin=\"round\" stroke-dasharray=\"{dashes}\"");
    svg.replace(&stroke, &dashed)
}

/// What stands in a legend.
pub enum Key {
    Curve(Stroke),
    /// A dot, filled or not.
    Marker(RGBColor, bool),
    /// A curve with an area around it.
    Band(Stroke),
    /// A curve with dots.
    Both(Stroke),
}

impl Key {
    fn length(&self) -> f64 {
        match self {
            Self::Marker(..) => 10.0,
            _ => 30.0,
        }
    }
}

/// Draws at places given in pixels.
pub struct Canvas<'a>(pub DrawingArea<SVGBackend<'a>, Shift>);

impl Canvas<'_> {
    pub fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) -> Result<()> {
        let places: Vec<_> = points.iter().map(|&point| units(point)).collect();
        let style = color.stroke_width((width * UNITS) as u32);
        Ok(self.0.draw(&PathElement::new(places, style))?)
    }

    /// A dot, hollow where it is not filled.
    pub fn marker(&self, place: (f64, f64), color: RGBColor, is_filled: bool) -> Result<()> {
        let style = match is_filled {
            true => color.filled(),
            false => color.stroke_width((1.2 * UNITS) as u32),
        };
        let radius = if is_filled { 2.6 } else { 2.2 };
        Ok((self.0).draw(&Circle::new(units(place), radius * UNITS, style))?)
    }

    /// A translucent area.
    pub fn area(&self, outline: &[(f64, f64)], color: RGBColor) -> Result<()> {
        let places: Vec<_> = outline.iter().map(|&point| units(point)).collect();
        Ok(self.0.draw(&Polygon::new(places, color.mix(0.18)))?)
    }

    /// A row of entries, each a key and what it stands for.
    pub fn legend(&self, (mut x, y): (f64, f64), entries: &[(Key, &str)]) -> Result<()> {
        for (key, words) in entries {
            let (start, end) = ((x, y), (x + key.length(), y));
            match key {
                Key::Curve(stroke) => self.curve(&[start, end], stroke)?,
                Key::Marker(color, is_filled) => self.marker((x + 5.0, y), *color, *is_filled)?,
                Key::Band(stroke) => {
                    let corners = [
                        (x, y - 6.0),
                        (end.0, y - 6.0),
                        (end.0, y + 6.0),
                        (x, y + 6.0),
                    ];
                    self.area(&corners, stroke.color)?;
                    self.curve(&[start, end], stroke)?;
                }
                Key::Both(stroke) => {
                    self.curve(&[start, end], stroke)?;
                    self.marker(((start.0 + end.0) / 2.0, y), stroke.color, true)?;
                }
            }
            self.text(words, (end.0 + 6.0, y), Left, 14.0)?;
            x += Self::legend_width(key, words);
        }
        Ok(())
    }

    /// What an entry of a legend takes of its row. No font is at hand to measure the words.
    pub fn legend_width(key: &Key, words: &str) -> f64 {
        let width = |letter| {
            if "DGMNOUWmw".contains(letter) {
                11.5
            } else {
                7.9
            }
        };
        key.length() + 6.0 + words.chars().map(width).sum::<f64>() + 14.0
    }

    /// A line, or a dot for a single point.
    pub fn curve(&self, points: &[(f64, f64)], stroke: &Stroke) -> Result<()> {
        match points {
            [point] => {
                let dot = Circle::new(units(*point), 3.0 * UNITS, stroke.color.filled());
                Ok(self.0.draw(&dot)?)
            }
            _ => self.line(points, stroke.color, stroke.width),
        }
    }

    /// Words that are read from below, with their middle there.
    pub fn upright_text(&self, words: &str, place: (f64, f64), size: f64) -> Result<()> {
        let font = ("sans-serif", 1.24 * size * UNITS).into_font();
        let font = font.transform(FontTransform::Rotate270);
        let style = font.color(&BLACK).pos(Pos::new(HPos::Center, VPos::Center));
        Ok(self.0.draw_text(words, &style, units(place))?)
    }

    pub fn text(&self, words: &str, place: (f64, f64), align: HPos, size: f64) -> Result<()> {
        if words.is_empty() {
            return Ok(());
        }
        let font = ("sans-serif", 1.24 * size * UNITS).into_font(); // the backend divides by 1.24
        let style = font.color(&BLACK).pos(Pos::new(align, VPos::Center));
        Ok(self.0.draw_text(words, &style, units(place))?)
    }
}
