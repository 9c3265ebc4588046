//! Grids that come with the program.

/// The names that `--preset` takes.
pub const NAMES: [&str; 3] = ["quick", "small", "paper"];

/// The text of a preset.
///
/// # Panics
///
/// Where `name` is none of [`NAMES`].
pub fn text(name: &str) -> &'static str {
    match name {
        "quick" => include_str!("../presets/quick.toml"),
        "small" => include_str!("../presets/small.toml"),
        "paper" => include_str!("../presets/paper.toml"),
        _ => panic!("no preset is called {name:?}"),
    }
}
