//! Methods as a grid names them.
//!
//! A method's options are complete before a run starts. A grid names methods; [`MethodSpec::resolve`] fills in what
//! depends on the problem: the number of classes, SAM's step size in the paper, or a tuned step size. `config.toml`
//! holds the result.

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use flatland_optim::MethodConfig;
use toml::{Table, Value};

use crate::sam_step_sizes;
use crate::tuned::{TunedStepSizes, TuningTask};

/// The option that may be `"paper"` or `"tuned"`.
const STEP_SIZE: &str = "step_size";

/// What the options of a method may depend on.
#[derive(Debug, Clone, Copy)]
pub struct MethodContext<'a> {
    /// The data set.
    pub dataset: Dataset,
    /// The network.
    pub network: &'a Architecture,
    /// The training loss.
    pub loss: Loss,
    /// Where `step_size = "tuned"` is looked up.
    pub tuned: &'a TunedStepSizes,
}

/// A method as a grid names it. Its options are completed once the data set, the network and the loss are known.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodSpec {
    name: String,
    options: Table,
}

impl MethodSpec {
    /// Reads `"nls"` or `{ name = "nls", sufficient_decrease = 0.1 }`.
    ///
    /// # Errors
    ///
    /// The value is not a name, or a table with a name, of a method.
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
        if !MethodConfig::NAMES.contains(&name.as_str()) {
            return Err(MethodConfig::unknown(&name).to_string());
        }
        Ok(Self { name, options })
    }

    /// The method's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the step size is looked up among the tuned ones.
    pub fn is_tuned(&self) -> bool {
        ["gd", "sam"].contains(&self.name.as_str())
            && self.options.get(STEP_SIZE).and_then(Value::as_str) == Some("tuned")
    }

    /// The method called `name` with each of the step sizes, for each set of other options with which the list names
    /// it.
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

    /// The method with all its options, for one context.
    ///
    /// # Errors
    ///
    /// An option that the method does not have, or whose value it does not take; a step size that is not among the
    /// paper's or the tuned ones.
    pub fn resolve(&self, context: &MethodContext<'_>) -> Result<MethodConfig, String> {
        let mut options = self.options.clone();
        if !self.is_tuned() {
            return self.complete(options, context);
        }
        options.insert(STEP_SIZE.to_owned(), Value::Float(1.0)); // any value: the file has the real one
        let task = TuningTask {
            dataset: context.dataset,
            loss: context.loss,
            network: context.network.clone(),
            method: self.complete(options, context)?,
        };
        let method = context.tuned.method(&task)?;
        method.build().map_err(|error| error.to_string())?;
        Ok(method)
    }

    /// The method with these options, and the paper's for the rest.
    fn complete(
        &self,
        mut options: Table,
        context: &MethodContext<'_>,
    ) -> Result<MethodConfig, String> {
        let given = (self.name == "sam")
            .then(|| options.remove(STEP_SIZE))
            .flatten();
        let sam_step_size = || match given {
            Some(Value::Float(step_size)) => Ok(step_size),
            Some(Value::Integer(step_size)) => Ok(step_size as f64),
            None => sam_step_sizes::paper(context.dataset, context.network.name()),
            Some(Value::String(text)) if text == "paper" => {
                sam_step_sizes::paper(context.dataset, context.network.name())
            }
            Some(value) => Err(format!(
                "step_size must be a number, \"paper\" or \"tuned\", but is {value}"
            )),
        };
        let named = MethodConfig::named(&self.name, context.dataset.classes(), sam_step_size)?;
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
