//! Grids that come with the program, each at full size and, where that is too much for a laptop, at smaller ones.

use strum::{EnumMessage, EnumString, IntoStaticStr, VariantArray};
use toml::Table;

use crate::grid::replace_keys;

/// The size of a preset.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, EnumMessage, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
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
        self.into()
    }
}

impl std::fmt::Display for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Presets with the grids that they are, in `presets/`.
macro_rules! presets {
    ($($name:literal = $file:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../presets/", $file, ".toml")))),+]
    };
}

/// The presets by name. The paper's main grid is that of its first figure.
const PRESETS: [(&str, &str); 13] = presets![
    "quick" = "quick",
    "small" = "small",
    "paper" = "fig1",
    "fig1" = "fig1",
    "fig2" = "fig2",
    "fig3" = "fig3",
    "fig4" = "fig4",
    "appD" = "appD",
    "appE" = "appE",
    "appF" = "appF",
    "appG" = "appG",
    "appH" = "appH",
    "appJ" = "appJ",
];

/// The preset that runs where no grid is named.
pub const DEFAULT: &str = PRESETS[0].0;

/// The names that `--preset` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.into_iter().map(|(name, _)| name)
}

/// The names of the presets that have every [`Scale`].
pub fn scaled_names() -> impl Iterator<Item = &'static str> {
    let scaled = PRESETS
        .into_iter()
        .filter(|(_, text)| text.contains("[scale."));
    scaled.map(|(name, _)| name)
}

/// A preset at some size.
#[derive(Debug)]
pub struct Preset {
    /// What the folder of its results is called.
    pub folder: String,
    /// The grid, in TOML.
    pub text: String,
    /// What the size changes of the paper's grid, a line for each key.
    pub changes: Vec<String>,
}

/// The preset called `name`.
///
/// # Errors
///
/// There is no preset of this name, or the preset has only one size.
pub fn read(name: &str, scale: Scale) -> Result<Preset, String> {
    let Some((_, text)) = PRESETS.into_iter().find(|(known, _)| *known == name) else {
        let names = Vec::from_iter(names()).join(", ");
        return Err(format!(
            "there is no preset {name:?}; the presets are {names}"
        ));
    };
    let mut table: Table = text.parse().expect("the presets are TOML");
    let mut scales = match table.remove("scale") {
        Some(toml::Value::Table(scales)) => scales,
        _ => Table::new(),
    };
    let replacements = match (scale, scales.remove(scale.name())) {
        (_, Some(toml::Value::Table(replacements))) => replacements,
        (Scale::Paper, _) => Table::new(),
        _ => {
            return Err(format!(
                "preset {name} has no scale {:?}; those that have are {}",
                scale.name(),
                Vec::from_iter(scaled_names()).join(", ")
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
        folder: if scale == Scale::Paper {
            name.to_owned()
        } else {
            format!("{name}-{scale}")
        },
        text: table.to_string(),
        changes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_name::DeviceName;
    use crate::grid::{Grid, GridSpec};
    use crate::run_config::RunConfig;

    fn grid(preset: &Preset) -> Grid {
        let spec = GridSpec::parse(&preset.folder, &preset.text, "preset").unwrap();
        spec.check().unwrap()
    }

    fn runs(preset: &Preset) -> Vec<RunConfig> {
        grid(preset).runs(DeviceName::Flex)
    }

    #[test]
    fn every_preset_is_a_grid_at_every_size_it_has() {
        for name in names() {
            for scale in [Scale::Paper, Scale::Laptop, Scale::Smoke] {
                let Ok(preset) = read(name, scale) else {
                    assert!(["quick", "small"].contains(&name), "{name}");
                    continue;
                };
                assert!(!runs(&preset).is_empty());
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
        assert_eq!(grid(&preset).name(), "fig1-laptop");
        let runs = runs(&preset);
        let samples = runs.iter().map(|run| (run.network.name(), run.samples));
        let samples: Vec<_> = samples.collect();
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
