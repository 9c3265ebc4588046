//! Methods by name, with their options.

use flatland_models::FullBatch;
use flatland_optim::{Counted, GradientDescentConfig, LineSearchConfig, Method};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The names that a grid may use.
pub const NAMES: [&str; 6] = ["ls", "nls", "ponls", "nls-ub", "ponos", "gd"];

/// A method with all its options, as `config.toml` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum MethodConfig {
    Ls(LineSearchConfig),
    Nls(LineSearchConfig),
    Ponls(LineSearchConfig),
    NlsUb(LineSearchConfig),
    Ponos(LineSearchConfig),
    Gd(GradientDescentConfig),
}

impl MethodConfig {
    /// The method called `name` as the paper sets it, for a problem with this number of classes.
    fn named(name: &str, classes: usize) -> Result<Self, String> {
        Ok(match name {
            "ls" => Self::Ls(LineSearchConfig::ls()),
            "nls" => Self::Nls(LineSearchConfig::nls()),
            "ponls" => Self::Ponls(LineSearchConfig::ponls()),
            "nls-ub" => Self::NlsUb(LineSearchConfig::nls_ub(classes)),
            "ponos" => Self::Ponos(LineSearchConfig::ponos()),
            "gd" => Self::Gd(GradientDescentConfig::new(1.0)),
            _ => {
                let names = NAMES.join(", ");
                return Err(format!(
                    "there is no method {name:?}; the methods are {names}"
                ));
            }
        })
    }

    /// The method's name in a grid.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ls(_) => "ls",
            Self::Nls(_) => "nls",
            Self::Ponls(_) => "ponls",
            Self::NlsUb(_) => "nls-ub",
            Self::Ponos(_) => "ponos",
            Self::Gd(_) => "gd",
        }
    }

    /// The method's name as the paper writes it.
    pub fn label(&self) -> String {
        match self {
            Self::Ls(_) => "LS".to_owned(),
            Self::Nls(_) => "NLS".to_owned(),
            Self::Ponls(_) => "PoNLS".to_owned(),
            Self::NlsUb(_) => "NLS-ub".to_owned(),
            Self::Ponos(_) => "PoNoS".to_owned(),
            Self::Gd(config) => format!("GD {}", config.step_size),
        }
    }

    /// `c` in the condition of sufficient decrease; of a method without a search, the paper's.
    pub fn sufficient_decrease(&self) -> f64 {
        match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => search.sufficient_decrease,
            Self::Gd(_) => LineSearchConfig::nls().sufficient_decrease,
        }
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// The first option outside its range.
    pub fn build(&self) -> Result<Box<dyn Method<Counted<FullBatch>>>, flatland_optim::Error> {
        Ok(match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => Box::new(search.init()?),
            Self::Gd(config) => Box::new(config.init()?),
        })
    }
}

/// A method as a grid names it: its options are completed once the number of classes is known.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodSpec {
    name: String,
    options: Table,
}

impl MethodSpec {
    /// Reads `"nls"` or `{ name = "nls", sufficient_decrease = 0.1 }`.
    pub fn read(value: &Value) -> Result<Self, String> {
        let (name, options) = match value {
            Value::String(name) => (name.clone(), Table::new()),
            Value::Table(table) => {
                let mut options = table.clone();
                match options.remove("name") {
                    Some(Value::String(name)) => (name, options),
                    _ => return Err("a method's table needs a name".to_owned()),
                }
            }
            _ => return Err("a method is a name, or a table with a name and options".to_owned()),
        };
        MethodConfig::named(&name, 10)?;
        Ok(Self { name, options })
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The method with all its options, for a problem with this number of classes.
    ///
    /// # Errors
    ///
    /// An option that the method does not have, or whose value it does not take.
    pub fn resolve(&self, classes: usize) -> Result<MethodConfig, String> {
        let named = MethodConfig::named(&self.name, classes)?;
        let mut table = Table::try_from(&named).map_err(|error| error.to_string())?;
        table.extend(self.options.clone());
        let config: MethodConfig = table
            .try_into()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        config.build().map_err(|error| error.to_string())?;
        Ok(config)
    }
}
