//! Grids that come with the program, each at full size and, where that is too much for a laptop, at smaller ones.

use clap::ValueEnum;
use toml::Table;

use crate::grid::replace_keys;

/// The size of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// As in the paper.
    Paper,
    /// What two cores finish: fewer networks, samples and iterations.
    Laptop,
    /// A minute, to see that everything runs.
    Smoke,
}

impl Scale {
    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Laptop => "laptop",
            Self::Smoke => "smoke",
        }
    }
}

/// The presets by name. The paper's main grid is that of its first figure.
const TEXTS: [(&str, &str); 13] = [
    ("quick", include_str!("../presets/quick.toml")),
    ("small", include_str!("../presets/small.toml")),
    ("paper", include_str!("../presets/fig1.toml")),
    ("fig1", include_str!("../presets/fig1.toml")),
    ("fig2", include_str!("../presets/fig2.toml")),
    ("fig3", include_str!("../presets/fig3.toml")),
    ("fig4", include_str!("../presets/fig4.toml")),
    ("appD", include_str!("../presets/appD.toml")),
    ("appE", include_str!("../presets/appE.toml")),
    ("appF", include_str!("../presets/appF.toml")),
    ("appG", include_str!("../presets/appG.toml")),
    ("appH", include_str!("../presets/appH.toml")),
    ("appJ", include_str!("../presets/appJ.toml")),
];

/// The names that `--preset` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.into_iter().map(|(name, _)| name)
}

/// A preset at some size.
#[derive(Debug)]
pub struct Preset {
    /// The grid, in TOML.
    pub text: String,
    /// What the size changes of the paper's grid, a line for each key.
    pub changes: Vec<String>,
}

/// The preset called `name`.
///
/// # Errors
///
/// The preset has no such size: it is one of those that are made for one size only.
///
/// # Panics
///
/// Where `name` is none of [`names`].
pub fn read(name: &str, scale: Scale) -> Result<Preset, String> {
    let (_, text) = (TEXTS.into_iter().find(|(known, _)| *known == name))
        .unwrap_or_else(|| panic!("no preset is called {name:?}"));
    let mut table: Table = text.parse().expect("the presets are TOML");
    let mut scales = match table.remove("scale") {
        Some(toml::Value::Table(scales)) => scales,
        _ => Table::new(),
    };
    let replacements = match (scale, scales.remove(scale.name())) {
        (_, Some(toml::Value::Table(replacements))) => replacements,
        (Scale::Paper, _) => Table::new(),
        _ => {
            let scaled: Vec<_> = (TEXTS.into_iter())
                .filter(|(_, text)| text.contains("[scale."))
                .map(|(name, _)| name)
                .collect();
            return Err(format!(
                "preset {name} has no scale {:?}; those that have are {}",
                scale.name(),
                scaled.join(", ")
            ));
        }
    };
    let changes = (replacements.iter())
        .map(|(key, value)| match table.get(key) {
            Some(paper) => format!("{key} = {value} instead of {paper}"),
            None => format!("{key} = {value}"),
        })
        .collect();
    replace_keys(&mut table, replacements);
    Ok(Preset {
        text: table.to_string(),
        changes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Grid;

    #[test]
    fn every_preset_is_a_grid_at_every_size_it_has() {
        for name in names() {
            for scale in [Scale::Paper, Scale::Laptop, Scale::Smoke] {
                let Ok(preset) = read(name, scale) else {
                    assert!(["quick", "small"].contains(&name), "{name}");
                    continue;
                };
                let grid = Grid::read(name, &preset.text, name, &[], &[], |_| ()).unwrap();
                assert!(!grid.cells().is_empty());
                assert_eq!(preset.changes.is_empty(), scale == Scale::Paper, "{name}");
            }
        }
    }

    #[test]
    fn changes_are_told() {
        let preset = read("fig1", Scale::Laptop).unwrap();
        let changes = &preset.changes;
        assert!(
            changes.contains(&"iterations = 1000 instead of 5000".to_owned()),
            "{changes:?}"
        );
        let grid = Grid::read("fig1", &preset.text, "fig1", &[], &[], |_| ()).unwrap();
        let samples: Vec<_> = (grid.cells().iter())
            .map(|cell| (cell.network.name(), cell.samples))
            .collect();
        assert_eq!(samples.len(), 4 * 2 * 5);
        assert!(
            samples
                .iter()
                .all(|cell| [("mlp", 5000), ("cnn", 1000)].contains(cell))
        );
        let message = read("quick", Scale::Laptop).unwrap_err();
        assert!(message.contains("fig3"), "{message}");
    }
}
