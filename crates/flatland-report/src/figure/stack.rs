//! Finished pictures side by side in one.

use super::canvas::described;

/// Pictures in pixels that are nested as they are, from left to right and from the top, `across` in a row.
pub fn stack(title: &str, pictures: &[(String, (f64, f64))], across: usize) -> String {
    let across = across.clamp(1, pictures.len().max(1));
    let (mut inner, mut width, mut top) = (String::new(), 0f64, 0f64);
    for row in pictures.chunks(across) {
        let mut left = 0.0;
        for (svg, size) in row {
            let placed = format!("<svg x=\"{left}\" y=\"{top}\" ");
            inner += &svg.replacen("<svg ", &placed, 1);
            inner.push('\n');
            left += size.0;
        }
        width = width.max(left);
        top += row.iter().map(|(_, size)| size.1).fold(0.0, f64::max);
    }
    let (in_units, size) = (super::canvas::units((width, top)), (width, top));
    let outer = format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {top}\" xmlns=\"http://www.w3.org/2000/svg\">\n{inner}</svg>\n",
        in_units.0, in_units.1
    );
    described(&outer, size, title)
}
