//! The entries of a grid's lists.

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use toml::Value;

pub(super) fn dataset(value: &Value) -> Result<Dataset, String> {
    let name = value.as_str().ok_or("a data set is a string")?;
    name.parse()
        .map_err(|error: flatland_data::UnknownDataset| error.to_string())
}

pub(super) fn network(value: &Value) -> Result<Architecture, String> {
    match value {
        Value::String(name) => Architecture::named(name).map_err(|error| error.to_string()),
        Value::Table(table) => {
            (table.clone().try_into()).map_err(|error: toml::de::Error| error.message().to_owned())
        }
        _ => Err("a network is a name, or a table with a name and options".to_owned()),
    }
}

pub(super) fn loss(value: &Value) -> Result<Loss, String> {
    let found = value.as_str().and_then(|name| name.parse().ok());
    found.ok_or("a loss is \"mse\" or \"cross-entropy\"".to_owned())
}
