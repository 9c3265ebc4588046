//! A picture as a file: SVG, PNG or PDF.
//!
//! A picture is drawn once, as SVG. This module turns it into PNG (resvg) and PDF (svg2pdf), with a small font that is
//! built in and text as outlines: nothing depends on the fonts of a machine.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, Options, Tree, WriteOptions, fontdb};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};
use svg2pdf::{ConversionOptions, PageOptions};

use flatland_records::disk::write_whole;

/// The font of pictures whose words are drawn here: they look the same on a machine without fonts.
static FONT: &[u8] = include_bytes!("font/DejaVuSans.ttf");
/// Its name, which SVG's `sans-serif` stands for.
const FAMILY: &str = "DejaVu Sans";
/// Pixels of SVG in an inch.
const SVG_DPI: f64 = 96.0;
/// The largest PNG, in pixels: 400 MB of memory.
const MOST_PIXELS: f64 = 1e8;

/// The format of a picture.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, IntoStaticStr, EnumMessage, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum PictureFormat {
    /// Lines and words, sharp at any size; the words are in the reader's own font.
    Svg,
    /// Pixels: so many to an inch, or so many across.
    Png,
    /// Lines, sharp at any size, for LaTeX; words are lines, too, and need no font.
    Pdf,
}

impl PictureFormat {
    /// The format of a file with this extension.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_lowercase();
        extension.parse().ok()
    }

    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        self.into()
    }
}

/// How many pixels a PNG has. A picture is as many inches wide as its SVG has units of 1/96.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolution {
    /// In an inch.
    Dpi(u32),
    /// In an inch, or as many as the largest PNG has.
    UpToDpi(u32),
    /// From left to right.
    Width(u32),
}

/// Writes a picture that is given as SVG, replacing the file as a whole; the pixels in an inch of a PNG.
///
/// # Errors
///
/// If the file cannot be written, or a PNG would be larger than 100 million pixels.
pub fn write(
    path: &Path,
    svg: &str,
    format: PictureFormat,
    resolution: Resolution,
) -> Result<Option<f64>> {
    let (bytes, dpi) = match format {
        PictureFormat::Svg => (svg.as_bytes().to_vec(), None),
        PictureFormat::Png => png(svg, resolution).map(|(bytes, dpi)| (bytes, Some(dpi)))?,
        PictureFormat::Pdf => (pdf(svg)?, None),
    };
    write_whole(path, &bytes)?;
    Ok(dpi)
}

/// The picture, with every word made of lines.
fn tree(svg: &str) -> Result<Tree> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
    fonts.set_sans_serif_family(FAMILY);
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    Tree::from_str(svg, &options).context("the picture is no SVG")
}

/// The file, and its pixels in an inch.
fn png(svg: &str, resolution: Resolution) -> Result<(Vec<u8>, f64)> {
    let tree = tree(svg)?;
    let (width, height) = (
        f64::from(tree.size().width()),
        f64::from(tree.size().height()),
    );
    let scale = match resolution {
        Resolution::Dpi(dpi) => f64::from(dpi) / SVG_DPI,
        Resolution::UpToDpi(dpi) => {
            // Whole pixels an inch, so that rounding stays below the limit.
            let most = (SVG_DPI * (MOST_PIXELS / (width * height)).sqrt() - 1.0).floor();
            f64::from(dpi).min(most.max(1.0)) / SVG_DPI
        }
        Resolution::Width(pixels) => f64::from(pixels) / width,
    };
    let (across, down) = ((width * scale).round(), (height * scale).round().max(1.0));
    let too_large = || {
        format!(
            "{across} × {down} pixels are more than {MOST_PIXELS:e}: give a smaller --dpi or --width, or --format pdf"
        )
    };
    ensure!(across * down <= MOST_PIXELS, too_large());
    let mut pixels = Pixmap::new(across as u32, down as u32).with_context(too_large)?;
    pixels.fill(Color::WHITE);
    let (x, y) = (across / width, down / height);
    let transform = Transform::from_scale(x as f32, y as f32);
    resvg::render(&tree, transform, &mut pixels.as_mut());

    // Nothing shows through, so that no pixel needs an opacity.
    let opaque = pixels.data().chunks_exact(4);
    let colors: Vec<u8> = opaque
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_meter = (scale * SVG_DPI / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_meter,
        yppu: per_meter,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colors)?;
    writer.finish()?;
    Ok((bytes, scale * SVG_DPI))
}

fn pdf(svg: &str) -> Result<Vec<u8>> {
    // Written again, the words are lines: svg2pdf would need as long a build again to embed fonts.
    let options = WriteOptions {
        indent: usvg::Indent::None,
        ..WriteOptions::default()
    };
    let lines = tree(svg)?.to_string(&options);
    let page = PageOptions {
        dpi: SVG_DPI as f32,
    };
    let tree = Tree::from_str(&lines, &Options::default())?;
    svg2pdf::to_pdf(&tree, ConversionOptions::default(), page)
        .map_err(|error| anyhow!("the picture cannot be written as PDF: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture as wide as twenty problems side by side.
    #[test]
    fn a_picture_that_is_too_large_has_fewer_pixels_unless_they_were_asked_for() {
        let svg = |width: u32| {
            format!("<svg width=\"{width}\" height=\"1590\" xmlns=\"http://www.w3.org/2000/svg\"/>")
        };
        let (_, dpi) = png(&svg(795), Resolution::UpToDpi(300)).unwrap();
        assert_eq!(dpi, 300.0);
        let (bytes, dpi) = png(&svg(7948), Resolution::UpToDpi(300)).unwrap();
        assert!((260.0..300.0).contains(&dpi), "{dpi}");
        let size = |at: usize| f64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
        assert!((0.9 * MOST_PIXELS..=MOST_PIXELS).contains(&(size(16) * size(20))));
        let refused = png(&svg(7948), Resolution::Dpi(300)).unwrap_err();
        assert!(
            refused.to_string().contains("give a smaller --dpi"),
            "{refused}"
        );
    }
}
