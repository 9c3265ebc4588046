//! `--only KEY=VALUE,…`: some of the runs of a grid, or of a results folder.

use strum::EnumString;

use crate::run_config::RunConfig;

/// The setting that a choice looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum OnlyKey {
    /// The data set.
    #[strum(serialize = "dataset", serialize = "datasets")]
    Dataset,
    /// The network's name.
    #[strum(serialize = "network", serialize = "networks")]
    Network,
    /// The method's name.
    #[strum(serialize = "method", serialize = "methods")]
    Method,
    /// The training loss.
    #[strum(serialize = "loss", serialize = "losses")]
    Loss,
    /// The seed.
    #[strum(serialize = "seed", serialize = "seeds")]
    Seed,
}

impl OnlyKey {
    /// The value of the setting in a run, as a choice spells it.
    pub fn value(self, run: &RunConfig) -> String {
        match self {
            Self::Dataset => run.dataset.to_string(),
            Self::Network => run.network.name().to_owned(),
            Self::Method => run.method.name().to_owned(),
            Self::Loss => run.loss.to_string(),
            Self::Seed => run.seed.to_string(),
        }
    }
}

/// A choice such as `network=mlp,cnn`: runs with one of the values are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// The setting.
    pub key: OnlyKey,
    /// The values that are kept.
    pub values: Vec<String>,
}

impl Only {
    /// Reads a choice.
    ///
    /// # Errors
    ///
    /// The text is not `key=value`, or the key is none of those that runs are chosen by.
    pub fn parse(choice: &str) -> Result<Self, String> {
        let Some((key, values)) = choice.split_once('=') else {
            return Err(format!(
                "--only {choice}: expected key=value, such as method=nls"
            ));
        };
        let key = key.trim().parse().map_err(|_| {
            format!("--only {choice}: the key must be dataset, network, method, loss or seed")
        })?;
        let values = values.split(',').map(|value| value.trim().to_owned());
        Ok(Self {
            key,
            values: values.collect(),
        })
    }

    /// The values that none of `names` is.
    pub fn unknown<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a String> {
        self.values.iter().filter(|value| !names.contains(value))
    }

    /// Whether entries of this name are kept.
    pub fn keeps(&self, name: &str) -> bool {
        self.values.iter().any(|value| value == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_a_key_and_values() {
        let only = Only::parse("networks = mlp, cnn").unwrap();
        assert_eq!(only.key, OnlyKey::Network);
        assert!(only.keeps("cnn") && only.keeps("mlp") && !only.keeps("vit"));
        let names = ["mlp".to_owned(), "vit".to_owned()];
        assert_eq!(Vec::from_iter(only.unknown(&names)), ["cnn"]);
        for (choice, part) in [("mlp", "expected key=value"), ("size=3", "the key must be")] {
            let problem = Only::parse(choice).unwrap_err();
            assert!(
                problem.contains(part) && problem.contains(choice),
                "{problem}"
            );
        }
    }
}
