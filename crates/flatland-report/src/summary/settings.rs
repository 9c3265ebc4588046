//! In what configurations differ.

use toml::Value;

use flatland_config::RunConfig;
use flatland_records::text::plain;

/// A setting that is not the same in all configurations.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its place in `config.toml`, such as `method.backtracking_factor`.
    pub key: String,
    /// One value for each configuration. `None` if it is not set.
    pub values: Vec<Option<String>>,
}

/// The settings in which configurations differ, in the order of `config.toml`.
pub fn differences(configs: &[&RunConfig]) -> Vec<Difference> {
    let flat: Vec<_> = configs.iter().map(|config| flat(config)).collect();
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in flat.iter().flatten() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let difference = |key: &String| {
        let of = |settings: &Vec<(String, String)>| {
            let setting = settings.iter().find(|(other, _)| other == key);
            setting.map(|(_, value)| value.clone())
        };
        let values: Vec<_> = flat.iter().map(of).collect();
        let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
        differs.then(|| Difference {
            key: key.clone(),
            values,
        })
    };
    keys.into_iter().filter_map(difference).collect()
}

/// The keys and values of `config.toml`, tables resolved to dotted keys.
fn flat(config: &RunConfig) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let table = toml::Table::try_from(config).expect("a configuration has a TOML form");
    flatten("", &Value::Table(table), &mut settings);
    settings
}

fn flatten(key: &str, value: &Value, settings: &mut Vec<(String, String)>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                let key = match key {
                    "" => name.clone(),
                    key => format!("{key}.{name}"),
                };
                flatten(&key, value, settings);
            }
        }
        Value::String(text) => settings.push((key.to_owned(), plain(text).replace('\n', " "))),
        value => settings.push((key.to_owned(), value.to_string())),
    }
}
