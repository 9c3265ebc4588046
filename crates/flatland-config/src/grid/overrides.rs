//! What a command changes of a grid before it is checked.

use toml::Value;

use super::reader::replace_keys;
use super::{Grid, GridSpec};
use crate::chunk::Chunk;
use crate::device_name::DeviceName;
use crate::float_type::FloatType;
use crate::method_spec::MethodSpec;

/// What a command changes of a grid. The default changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Keys that are replaced, as `key=value` in TOML.
    pub set: Vec<String>,
    /// Entries that are kept, as `network=mlp,cnn`.
    pub only: Vec<String>,
    /// Another device.
    pub device: Option<DeviceName>,
    /// Another float type.
    pub dtype: Option<FloatType>,
    /// Another chunk.
    pub chunk: Option<Chunk>,
    /// Iterations (epochs of stochastic runs) that every run makes beyond the grid's.
    pub extend: Option<u64>,
    /// Turns the grid into one that tunes a step size.
    pub tuning: Option<TuningOverride>,
}

/// How a grid becomes one that tunes the step size of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct TuningOverride {
    /// The name of the method.
    pub method: String,
    /// The step sizes to try.
    pub step_sizes: Vec<f64>,
    /// Iterations of every run.
    pub iterations: u64,
}

impl GridSpec {
    /// Applies what a command changes. Every change is made here, before anything is checked.
    #[must_use]
    pub fn apply(mut self, overrides: &Overrides) -> Self {
        for set in &overrides.set {
            match set.parse() {
                Ok(replacements) => replace_keys(&mut self.table, replacements),
                Err(error) => self.problems.push(format!(
                    "--set {set}: expected key=value with a TOML value, such as iterations=100, \
                     'methods=[\"nls\"]' or 'dtype=\"f64\"' ({})",
                    error.message()
                )),
            }
        }
        let chunk = overrides.chunk.and_then(|chunk| match chunk {
            Chunk::OfNetwork => None,
            Chunk::Auto => Some(Value::from("auto")),
            Chunk::SampleCount(count) => i64::try_from(count.get()).ok().map(Value::from),
        });
        let values = [
            (
                "device",
                overrides.device.map(|name| name.to_string().into()),
            ),
            (
                "dtype",
                overrides.dtype.map(|float| float.to_string().into()),
            ),
            ("chunk", chunk),
        ];
        for (key, value) in values {
            if let Some(value) = value {
                self.table.insert(key.to_owned(), value);
            }
        }
        self.only.extend_from_slice(&overrides.only);
        self.extend = overrides.extend.or(self.extend);
        self.tuning = overrides.tuning.clone().or(self.tuning);
        self
    }
}

impl Grid {
    /// Turns the grid into one that tunes the step size of a method: a short run of every candidate for the first seed,
    /// without measurements. The other options of the method are those with which the grid names it.
    pub(super) fn tune(&mut self, tuning: &TuningOverride) {
        self.name = format!("tune-{}", self.name);
        self.methods = MethodSpec::candidates(&self.methods, &tuning.method, &tuning.step_sizes);
        self.seeds.truncate(1);
        self.length.iterations = tuning.iterations;
        self.length.sharpness_every = 0;
        self.length.accuracy_every = 0;
        self.diagnostics = None;
        self.segment = None;
    }
}
