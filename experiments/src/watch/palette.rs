//! The styles of the terminal.

use ratatui::style::{Color, Modifier, Style};

/// The styles, which a terminal without colours tells apart too. No two that stand beside each other are red and green.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    pub running: Style,
    pub bad: Style,
    /// `η·λ₁ > 2`
    pub above: Style,
    pub curve: Style,
    pub faint: Style,
    pub bold: Style,
    pub selected: Style,
}

impl Palette {
    pub fn new(is_colored: bool) -> Self {
        let plain = Style::new();
        let colored = |color| if is_colored { plain.fg(color) } else { plain };
        Self {
            running: colored(Color::Cyan),
            bad: colored(Color::Yellow).add_modifier(Modifier::BOLD),
            above: colored(Color::Yellow),
            curve: colored(Color::Cyan),
            faint: plain.add_modifier(Modifier::DIM),
            bold: plain.add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::REVERSED),
        }
    }
}

/// Whether the user wants no colours: see <https://no-color.org>.
pub fn is_colored(no_color: Option<&std::ffi::OsStr>) -> bool {
    no_color.is_none_or(std::ffi::OsStr::is_empty)
}
