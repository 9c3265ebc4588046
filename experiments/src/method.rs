//! Methods by name, with their options.

mod running;

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use flatland_optim::{
    CdatConfig, GradientDescentConfig, LineSearchConfig, SamConfig, Step, WarmUpConfig,
};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::sam_steps;
use crate::tune::{Task, Tuned};
pub use running::{MethodState, RunningMethod};

/// The names that a grid may use.
pub const NAMES: [&str; 10] = [
    "ls",
    "nls",
    "ponls",
    "nls-ub",
    "ponos",
    "gd",
    "gd-warmup",
    "gd-warmup-ub",
    "cdat",
    "sam",
];

/// The option that may be `"paper"` or `"tuned"`.
const STEP_SIZE: &str = "step_size";

/// What the options of a method may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    pub dataset: Dataset,
    pub network: &'a Architecture,
    pub loss: Loss,
    /// What `step_size = "tuned"` is looked up in.
    pub tuned: &'a Tuned,
}

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
    GdWarmup(WarmUpConfig),
    GdWarmupUb(WarmUpConfig),
    Cdat(CdatConfig),
    Sam(SamConfig),
}

impl MethodConfig {
    /// The method called `name` as the paper sets it for a problem. SAM has no step size for every problem; it takes
    /// its own from here.
    fn named(
        name: &str,
        classes: usize,
        sam_step_size: impl FnOnce() -> Result<f64, String>,
    ) -> Result<Self, String> {
        Ok(match name {
            "ls" => Self::Ls(LineSearchConfig::ls()),
            "nls" => Self::Nls(LineSearchConfig::nls()),
            "ponls" => Self::Ponls(LineSearchConfig::ponls()),
            "nls-ub" => Self::NlsUb(LineSearchConfig::nls_ub(classes)),
            "ponos" => Self::Ponos(LineSearchConfig::ponos()),
            "gd" => Self::Gd(GradientDescentConfig::new(1.0)),
            "gd-warmup" => Self::GdWarmup(WarmUpConfig::new(classes)),
            "gd-warmup-ub" => Self::GdWarmupUb(WarmUpConfig::bounded(classes)),
            "cdat" => Self::Cdat(CdatConfig::new()),
            "sam" => Self::Sam(SamConfig::new(sam_step_size()?)),
            _ => return Err(unknown(name)),
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
            Self::GdWarmup(_) => "gd-warmup",
            Self::GdWarmupUb(_) => "gd-warmup-ub",
            Self::Cdat(_) => "cdat",
            Self::Sam(_) => "sam",
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
            Self::GdWarmup(_) => "GD-warmup".to_owned(),
            Self::GdWarmupUb(_) => "GD-warmup-ub".to_owned(),
            Self::Cdat(_) => "CDAT".to_owned(),
            Self::Sam(config) => format!("SAM {}", config.step_size),
        }
    }

    /// The step size, of a method that keeps it fixed.
    pub fn step_size(&self) -> Option<f64> {
        match self {
            Self::Gd(config) => Some(config.step_size),
            Self::Sam(config) => Some(config.step_size),
            _ => None,
        }
    }

    /// The method with another step size, where it has a fixed one.
    pub fn with_step_size(&self, step_size: f64) -> Self {
        let mut changed = self.clone();
        match &mut changed {
            Self::Gd(config) => config.step_size = step_size,
            Self::Sam(config) => config.step_size = step_size,
            _ => {}
        }
        changed
    }

    /// The line search, of a method that is one.
    fn search(&self) -> Option<&LineSearchConfig> {
        match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => Some(search),
            _ => None,
        }
    }

    /// Whether it tries step sizes.
    pub fn is_search(&self) -> bool {
        self.search().is_some()
    }

    /// `c` in the condition of sufficient decrease; of a method without a search, the paper's.
    pub fn sufficient_decrease(&self) -> f64 {
        match self.search() {
            Some(search) => search.sufficient_decrease,
            None => LineSearchConfig::nls().sufficient_decrease,
        }
    }

    /// The sharpness at which the method is on the edge of stability in an iteration that took a step: `2/η`, or SAM's
    /// own edge.
    pub fn edge(&self, step: &Step) -> Option<f64> {
        (step.step_size > 0.0).then(|| match self {
            Self::Sam(config) => config.edge(step.gradient_norm),
            _ => 2.0 / step.step_size,
        })
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// The first option outside its range.
    pub fn build(&self) -> Result<RunningMethod, flatland_optim::Error> {
        Ok(match self {
            Self::Ls(search)
            | Self::Nls(search)
            | Self::Ponls(search)
            | Self::NlsUb(search)
            | Self::Ponos(search) => RunningMethod::Search(search.init()?),
            Self::Gd(config) => RunningMethod::GradientDescent(config.init()?),
            Self::GdWarmup(config) | Self::GdWarmupUb(config) => {
                RunningMethod::WarmUp(config.init()?)
            }
            Self::Cdat(config) => RunningMethod::Cdat(config.init()?),
            Self::Sam(config) => RunningMethod::Sam(Box::new(config.init()?)),
        })
    }
}

fn unknown(name: &str) -> String {
    let names = NAMES.join(", ");
    format!("there is no method {name:?}; the methods are {names}")
}

/// A method as a grid names it: its options are completed once the problem is known.
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
        if !NAMES.contains(&name.as_str()) {
            return Err(unknown(&name));
        }
        Ok(Self { name, options })
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the step size is to be looked up among the tuned ones.
    pub fn is_tuned(&self) -> bool {
        ["gd", "sam"].contains(&self.name.as_str())
            && self.options.get(STEP_SIZE).and_then(Value::as_str) == Some("tuned")
    }

    /// The method called `name` with each of the step sizes, once for all other options that a list names it with.
    pub fn candidates(list: &[Self], name: &str, step_sizes: &[f64]) -> Vec<Self> {
        let mut options: Vec<Table> = Vec::new();
        for method in list.iter().filter(|method| method.name == name) {
            let mut others = method.options.clone();
            others.remove(STEP_SIZE);
            if !options.contains(&others) {
                options.push(others);
            }
        }
        if options.is_empty() {
            options.push(Table::new());
        }
        let candidate = |others: &Table, step_size: f64| {
            let mut options = others.clone();
            options.insert(STEP_SIZE.to_owned(), step_size.into());
            Self {
                name: name.to_owned(),
                options,
            }
        };
        (options.iter())
            .flat_map(|others| step_sizes.iter().map(|&size| candidate(others, size)))
            .collect()
    }

    /// The method with all its options, for one problem.
    ///
    /// # Errors
    ///
    /// An option that the method does not have, or whose value it does not take; a step size that is not among the
    /// paper's or the tuned ones.
    pub fn resolve(&self, problem: &Problem<'_>) -> Result<MethodConfig, String> {
        let mut options = self.options.clone();
        if !self.is_tuned() {
            return self.complete(options, problem);
        }
        options.insert(STEP_SIZE.to_owned(), Value::Float(1.0)); // any: it is what the file tells
        let task = Task {
            dataset: problem.dataset,
            loss: problem.loss,
            network: problem.network.clone(),
            method: self.complete(options, problem)?,
        };
        let method = problem.tuned.method(&task)?;
        method.build().map_err(|error| error.to_string())?;
        Ok(method)
    }

    /// The method with these options, and the paper's where there is none.
    fn complete(&self, mut options: Table, problem: &Problem<'_>) -> Result<MethodConfig, String> {
        let given = (self.name == "sam")
            .then(|| options.remove(STEP_SIZE))
            .flatten();
        let sam_step_size = || match given {
            Some(Value::Float(step_size)) => Ok(step_size),
            Some(Value::Integer(step_size)) => Ok(step_size as f64),
            None => sam_steps::paper(problem.dataset, problem.network.name()),
            Some(Value::String(text)) if text == "paper" => {
                sam_steps::paper(problem.dataset, problem.network.name())
            }
            Some(value) => Err(format!(
                "step_size must be a number, \"paper\" or \"tuned\", but is {value}"
            )),
        };
        let named = MethodConfig::named(&self.name, problem.dataset.classes(), sam_step_size)?;
        let mut table = Table::try_from(&named).map_err(|error| error.to_string())?;
        table.extend(options);
        let config: MethodConfig = table
            .try_into()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        config.build().map_err(|error| error.to_string())?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
