//! How a method looks on the page, which is how it looks in the pictures.

use plotters::prelude::{BLACK, RGBColor};

use super::METHODS;

/// A method's colour and dashes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    color: RGBColor,
    /// Lengths of dashes and gaps, in pixels; none for a solid line.
    pub dashes: &'static [f64],
}

impl Look {
    /// That of a method beside others: of one colour, they differ in their dashes.
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

    /// The colour as a web page writes it; nothing for black, which is the colour of text there.
    pub fn color(&self) -> Option<String> {
        let RGBColor(red, green, blue) = self.color;
        (self.color != BLACK).then(|| format!("#{red:02X}{green:02X}{blue:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_one_colour_differ_in_their_dashes() {
        let mut looks = Vec::new();
        for method in ["nls", "gd", "gd", "gd-warmup", "nls-ub"] {
            looks.push(Look::after(method, &looks));
        }
        assert_eq!(looks[0].color().unwrap(), "#D55E00");
        assert_eq!(looks[4].color(), None);
        let dashes: Vec<_> = looks[1..4].iter().map(|look| look.dashes).collect();
        assert!(
            dashes[0] != dashes[1] && dashes[1] != dashes[2] && dashes[0] != dashes[2],
            "{dashes:?}"
        );
    }
}
