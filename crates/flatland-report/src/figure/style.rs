//! The colour and the dashes of a method, on the page and in the pictures.

use super::canvas::{BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, Rgb, SKY, VERMILLION};

/// How each method's curves look, whatever others are drawn, from the lowest layer to the highest:
/// a colour of Okabe and Ito's, which the colour-blind can tell apart, and the lengths of dashes
/// and gaps in pixels. The last line is for any other method.
pub const METHODS: [(&str, Rgb, &[f64]); 11] = [
    ("nls", VERMILLION, &[]),
    ("ponls", GREEN, &[1.5, 2.5]),
    ("ls", BLUE, &[6.0, 3.0]),
    ("nls-ub", BLACK, &[6.0, 3.0]),
    ("cdat", ORANGE, &[9.0, 3.0, 2.0, 3.0]),
    ("sam", SKY, &[3.0, 3.0]),
    ("gd", PURPLE, &[12.0, 4.0]),
    ("gd-warmup", PURPLE, &[4.0, 2.0]),
    ("gd-warmup-ub", BLACK, &[2.0, 3.0]),
    ("ponos", GREY, &[2.0, 2.0, 6.0, 2.0]),
    ("", GREY, &[5.0, 2.0]),
];

/// A method's colour and dashes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveStyle {
    color: Rgb,
    /// Lengths of dashes and gaps, in pixels; none for a solid line.
    pub dashes: &'static [f64],
}

impl CurveStyle {
    /// The style of a method beside others. Methods of one colour differ in their dashes.
    pub fn after(method: &str, others: &[Self]) -> Self {
        let place = METHODS.iter().position(|known| known.0 == method);
        let place = place.unwrap_or(METHODS.len() - 1);
        let color = METHODS[place].1;
        let earlier = others.iter().filter(|other| other.color == color).count();
        Self {
            color,
            dashes: METHODS[(place + earlier) % METHODS.len()].2,
        }
    }

    /// The colour as a web page writes it. `None` for black, which is the colour of text there.
    pub fn color(&self) -> Option<String> {
        (self.color != BLACK).then(|| self.color.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_one_colour_differ_in_their_dashes() {
        let mut styles = Vec::new();
        for method in ["nls", "gd", "gd", "gd-warmup", "nls-ub"] {
            styles.push(CurveStyle::after(method, &styles));
        }
        assert_eq!(styles[0].color().unwrap(), "#D55E00");
        assert_eq!(styles[4].color(), None);
        let dashes: Vec<_> = styles[1..4].iter().map(|style| style.dashes).collect();
        assert!(
            dashes[0] != dashes[1] && dashes[1] != dashes[2] && dashes[0] != dashes[2],
            "{dashes:?}"
        );
    }
}
