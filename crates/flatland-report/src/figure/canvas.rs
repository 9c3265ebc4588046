//! A picture in SVG, drawn at places given in pixels.

use std::fmt::Write;

/// Units of the picture per pixel. Places and widths are whole units.
const UNITS: f64 = 4.0;

/// A colour: red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl std::fmt::Display for Rgb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(red, green, blue) = self;
        write!(f, "#{red:02X}{green:02X}{blue:02X}")
    }
}

pub const BLACK: Rgb = Rgb(0, 0, 0);
const WHITE: Rgb = Rgb(255, 255, 255);
pub const GREY: Rgb = Rgb(150, 150, 150);
pub const AXIS: Rgb = Rgb(90, 90, 90);
pub const GRID: Rgb = Rgb(222, 222, 222);
pub const FINE_GRID: Rgb = Rgb(243, 243, 243);
pub const REFERENCE: Rgb = Rgb(85, 85, 85);

/// Colours of Okabe and Ito's, which the colour-blind can tell apart.
pub const ORANGE: Rgb = Rgb(230, 159, 0);
pub const SKY: Rgb = Rgb(86, 180, 233);
pub const GREEN: Rgb = Rgb(0, 158, 115);
pub const BLUE: Rgb = Rgb(0, 114, 178);
pub const VERMILLION: Rgb = Rgb(213, 94, 0);
pub const PURPLE: Rgb = Rgb(204, 121, 167);

/// How a curve is drawn. [`with_dashes`] adds the dashes to all lines of a colour at once.
#[derive(Clone, Copy)]
pub struct Stroke {
    pub color: Rgb,
    /// Lengths of dashes and gaps in pixels.
    pub dashes: &'static [f64],
    /// In pixels.
    pub width: f64,
    /// Higher ones are drawn later.
    pub layer: usize,
}

impl Stroke {
    /// A curve of the usual width, in the lowest layer.
    pub const fn new(color: Rgb, dashes: &'static [f64]) -> Self {
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

/// A finished drawing with its size in pixels and a title for readers who cannot see it.
pub fn described(svg: &str, size: (f64, f64), title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let (width, height) = units(size);
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("role=\"img\" width=\"{}\" height=\"{}\"", size.0, size.1);
    let svg = svg.replacen(&drawn, &shown, 1);
    svg.replacen('>', &format!("><title>{title}</title>"), 1)
}

/// Adds dashes to all lines of a colour.
pub fn with_dashes(svg: &str, color: Rgb, lengths: &[f64]) -> String {
    let stroke = format!("stroke=\"{color}\"");
    let lengths = lengths.iter().map(|length| (length * UNITS).to_string());
    let dashes = Vec::from_iter(lengths).join(" ");
    let dashed = format!("{stroke} stroke-linejoin=\"round\" stroke-dasharray=\"{dashes}\"");
    svg.replace(&stroke, &dashed)
}

/// The side of a text that lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// What stands in a legend.
pub enum Key {
    Curve(Stroke),
    /// A dot, filled or not.
    Marker(Rgb, bool),
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

/// A picture that is being drawn.
pub struct Canvas {
    svg: String,
}

impl Canvas {
    /// A white picture of this size in pixels, with a title at the top.
    pub fn new(size: (f64, f64), title: &str) -> Self {
        let (width, height) = units(size);
        let mut canvas = Self {
            svg: format!(
                "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
                 xmlns=\"http://www.w3.org/2000/svg\">\n"
            ),
        };
        canvas.add(format_args!(
            "<rect x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" opacity=\"1\" fill=\"{WHITE}\" stroke=\"none\"/>"
        ));
        canvas.text(title, (size.0 / 2.0, 22.0), Align::Center, 19.0);
        canvas
    }

    /// The picture.
    pub fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.svg, "{element}").expect("a string can be written to");
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(f64, f64)], color: Rgb, width: f64) {
        let (width, points) = ((width * UNITS) as u32, places(points));
        self.add(format_args!(
            "<polyline fill=\"none\" opacity=\"1\" stroke=\"{color}\" stroke-width=\"{width}\" points=\"{points}\"/>"
        ));
    }

    /// A dot, filled or hollow.
    pub fn marker(&mut self, place: (f64, f64), color: Rgb, is_filled: bool) {
        if is_filled {
            return self.dot(place, 2.6, color);
        }
        let ((x, y), radius, width) = (units(place), (2.2 * UNITS) as u32, (1.2 * UNITS) as u32);
        self.add(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" opacity=\"1\" fill=\"none\" stroke=\"{color}\" \
             stroke-width=\"{width}\"/>"
        ));
    }

    fn dot(&mut self, place: (f64, f64), radius: f64, color: Rgb) {
        let ((x, y), radius) = (units(place), (radius * UNITS) as u32);
        self.add(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" opacity=\"1\" fill=\"{color}\" stroke=\"none\" \
             stroke-width=\"1\"/>"
        ));
    }

    /// A translucent area.
    pub fn area(&mut self, outline: &[(f64, f64)], color: Rgb) {
        let points = places(outline);
        self.add(format_args!(
            "<polygon opacity=\"0.18\" fill=\"{color}\" points=\"{points}\"/>"
        ));
    }

    /// A row of entries, each a key and what it stands for.
    pub fn legend(&mut self, (mut x, y): (f64, f64), entries: &[(Key, &str)]) {
        for (key, text) in entries {
            let (start, end) = ((x, y), (x + key.length(), y));
            match key {
                Key::Curve(stroke) => self.curve(&[start, end], stroke),
                Key::Marker(color, is_filled) => self.marker((x + 5.0, y), *color, *is_filled),
                Key::Band(stroke) => {
                    let corners = [
                        (x, y - 6.0),
                        (end.0, y - 6.0),
                        (end.0, y + 6.0),
                        (x, y + 6.0),
                    ];
                    self.area(&corners, stroke.color);
                    self.curve(&[start, end], stroke);
                }
                Key::Both(stroke) => {
                    self.curve(&[start, end], stroke);
                    self.marker(((start.0 + end.0) / 2.0, y), stroke.color, true);
                }
            }
            self.text(text, (end.0 + 6.0, y), Align::Left, 14.0);
            x += Self::legend_width(key, text);
        }
    }

    /// What an entry of a legend takes of its row. No font is at hand to measure the text.
    pub fn legend_width(key: &Key, text: &str) -> f64 {
        let width = |letter| {
            if "DGMNOUWmw".contains(letter) {
                11.5
            } else {
                7.9
            }
        };
        key.length() + 6.0 + text.chars().map(width).sum::<f64>() + 14.0
    }

    /// A line, or a dot for a single point.
    pub fn curve(&mut self, points: &[(f64, f64)], stroke: &Stroke) {
        match points {
            [point] => self.dot(*point, 3.0, stroke.color),
            _ => self.line(points, stroke.color, stroke.width),
        }
    }

    /// A text that is read from below, centred at its place.
    pub fn upright_text(&mut self, text: &str, place: (f64, f64), size: f64) {
        let (x, y) = units(place);
        self.add_text(
            text,
            place,
            Align::Center,
            size,
            &format!(" transform=\"rotate(270, {x}, {y})\""),
        );
    }

    /// A text, centred vertically at its place.
    pub fn text(&mut self, text: &str, place: (f64, f64), align: Align, size: f64) {
        if !text.is_empty() {
            self.add_text(text, place, align, size, "");
        }
    }

    fn add_text(
        &mut self,
        text: &str,
        place: (f64, f64),
        align: Align,
        size: f64,
        transform: &str,
    ) {
        let ((x, y), size) = (units(place), size * UNITS);
        let anchor = match align {
            Align::Left => "start",
            Align::Center => "middle",
            Align::Right => "end",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"0.5ex\" text-anchor=\"{anchor}\" font-family=\"sans-serif\" \
             font-size=\"{size}\" opacity=\"1\" fill=\"{BLACK}\"{transform}>\n{text}\n</text>"
        ));
    }
}

fn places(points: &[(f64, f64)]) -> String {
    let places = points.iter().map(|&point| units(point));
    places.map(|(x, y)| format!("{x},{y} ")).collect()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
