//! Keys taken out of a grid's table, and what is wrong with them.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// The keys of a grid.
pub(super) const KEYS: [&str; 20] = [
    "datasets",
    "networks",
    "methods",
    "losses",
    "seeds",
    "iterations",
    "batch_size",
    "epochs",
    "samples",
    "first_per_class",
    "chunk",
    "sharpness_every",
    "accuracy_every",
    "diagnostics",
    "segment",
    "measurement",
    "tuned",
    "init",
    "dtype",
    "device",
];

/// Keys of which a grid gives one.
const RIVALS: [(&str, &str); 1] = [("samples", "first_per_class")];

/// The largest number of iterations, epochs or samples of a batch: no run comes to its end, and no sum overflows.
pub(super) const MOST: u64 = 1_000_000_000_000;

/// Gives keys of a grid other values. A key takes the place of its rival, too.
pub(crate) fn replace_keys(table: &mut Table, replacements: Table) {
    for key in replacements.keys() {
        for (one, other) in RIVALS {
            if key == one {
                table.remove(other);
            } else if key == other {
                table.remove(one);
            }
        }
    }
    table.extend(replacements);
}

/// Takes keys out of a table and collects what is wrong with them.
pub(super) struct Reader {
    pub(super) table: Table,
    pub(super) problems: Vec<String>,
}

impl Reader {
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &str, expected: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        let shown = value.to_string();
        match value.try_into() {
            Ok(value) => Some(value),
            Err(_) => {
                self.problems
                    .push(format!("{key} = {shown}: expected {expected}"));
                None
            }
        }
    }

    /// Takes a table of options. `problem` says what is wrong with them.
    pub(super) fn options<T: DeserializeOwned>(
        &mut self,
        key: &str,
        problem: impl Fn(&T) -> Option<String>,
    ) -> Option<T> {
        let value = self.table.remove(key)?;
        let shown = value.to_string();
        let read = value.try_into().map_err(|error| error.message().to_owned());
        let checked = read.and_then(|options| match problem(&options) {
            Some(problem) => Err(problem),
            None => Ok(options),
        });
        checked
            .map_err(|problem| self.problems.push(format!("{key} = {shown}: {problem}")))
            .ok()
    }

    /// Refuses keys of which only one can hold.
    pub(super) fn check_rivals(&mut self) {
        for (one, other) in RIVALS {
            if self.table.contains_key(one) && self.table.contains_key(other) {
                self.problems
                    .push(format!("{one} and {other}: give one of the two"));
            }
        }
    }

    pub(super) fn count(&mut self, key: &str, least: u64) -> Option<u64> {
        let expected = format!("a whole number, at least {least}");
        let count: i64 = self.take(key, &expected)?;
        match u64::try_from(count) {
            Ok(count) if count > MOST => {
                self.problems
                    .push(format!("{key} = {count}: expected at most {MOST}"));
                None
            }
            Ok(count) if count >= least => Some(count),
            _ => {
                self.problems
                    .push(format!("{key} = {count}: expected {expected}"));
                None
            }
        }
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        default: Option<Vec<T>>,
        read: impl Fn(&Value) -> Result<T, String>,
    ) -> Vec<T> {
        let values = match self.table.remove(key) {
            Some(Value::Array(values)) if !values.is_empty() => values,
            Some(value) => {
                self.problems.push(format!(
                    "{key} = {value}: expected a list with at least one entry"
                ));
                return Vec::new();
            }
            None => {
                return default.unwrap_or_else(|| {
                    self.problems.push(format!(
                        "{key} is missing: expected a list with at least one entry"
                    ));
                    Vec::new()
                });
            }
        };
        let mut entries = Vec::new();
        for (index, value) in values.iter().enumerate() {
            match read(value) {
                Ok(entry) => entries.push(entry),
                Err(problem) => self
                    .problems
                    .push(format!("{key}[{index}] = {value}: {problem}")),
            }
        }
        entries
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        for key in self.table.keys() {
            let keys = KEYS.join(", ");
            self.problems
                .push(format!("unknown key {key:?}; the keys are {keys}"));
        }
        self.problems
    }
}
