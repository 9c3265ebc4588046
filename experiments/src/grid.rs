//! Grids: lists of data sets, networks, methods, losses and seeds, and the settings of every run.

mod check;
#[cfg(test)]
mod damaged;
mod entries;
mod length;
mod narrow;
mod reader;
mod samples;

use std::fmt;
use std::path::Path;

use flatland_data::Dataset;
use flatland_models::{Architecture, InputShape, Loss};
use thiserror::Error;
use toml::{Table, Value};

use crate::cell::{CellConfig, FloatType, Init};
use crate::device::DeviceName;
use crate::diagnostics::{DiagnosticsConfig, SegmentConfig};
use crate::memory::Chunk;
use crate::method::{MethodSpec, Problem};
use crate::tune::{self, Tuned};
use entries::{dataset, loss, network};
use length::Length;
use reader::Reader;
pub use reader::replace_keys;
use samples::Samples;

/// A checked grid.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Names the folder of its results.
    pub name: String,
    datasets: Vec<Dataset>,
    networks: Vec<Architecture>,
    methods: Vec<MethodSpec>,
    losses: Vec<Loss>,
    seeds: Vec<u64>,
    length: Length,
    samples: Samples,
    pub chunk: Chunk,
    diagnostics: Option<DiagnosticsConfig>,
    segment: Option<SegmentConfig>,
    tuned: Tuned,
    init: Init,
    pub dtype: FloatType,
    pub device: DeviceName,
}

/// Everything that is wrong with a grid.
#[derive(Debug, Error)]
pub struct GridError {
    /// The grid file, or the preset.
    pub origin: String,
    /// One line for each problem.
    pub problems: Vec<String>,
}

impl fmt::Display for GridError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [problem] => write!(f, "{}: {problem}", self.origin),
            problems => {
                write!(f, "{}: {} problems", self.origin, problems.len())?;
                problems
                    .iter()
                    .try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

/// The keys of a grid.
const KEYS: [&str; 19] = [
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
    "tuned",
    "init",
    "dtype",
    "device",
];

impl Grid {
    /// Makes every run longer by so many iterations, of a stochastic one epochs.
    pub fn extend(&mut self, more: u64) {
        self.length.extend(more);
    }

    /// Reads a grid, replaces keys by `sets` (`key=value` in TOML), keeps the entries that `only` names
    /// (`network=mlp,cnn`), then lets `change` change it before the methods are checked.
    ///
    /// # Errors
    ///
    /// All problems at once, each with the key, the value and what is allowed.
    pub fn read(
        name: &str,
        text: &str,
        origin: &str,
        sets: &[String],
        only: &[String],
        change: impl FnOnce(&mut Self),
    ) -> Result<Self, GridError> {
        let fail = |problems| GridError {
            origin: origin.to_owned(),
            problems,
        };
        let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
            fail(vec![format!("not TOML: {}", error.to_string().trim_end())])
        })?;
        let mut problems = Vec::new();
        problems.extend(check_name(name));
        for set in sets {
            match set.parse::<Table>() {
                Ok(replacements) => replace_keys(&mut table, replacements),
                Err(error) => problems.push(format!(
                    "--set {set}: expected key=value with a TOML value, such as iterations=100, \
                     'methods=[\"nls\"]' or 'dtype=\"f64\"' ({})",
                    error.message()
                )),
            }
        }
        let mut reader = Reader { table, problems };
        reader.check_rivals();
        let grid = Self {
            name: name.to_owned(),
            datasets: reader.list("datasets", None, dataset),
            networks: reader.list("networks", None, network),
            methods: reader.list("methods", None, MethodSpec::read),
            losses: reader.list("losses", Some(vec![Loss::Mse]), loss),
            seeds: reader.list("seeds", Some(vec![42]), |value| {
                (value.as_integer().and_then(|seed| u64::try_from(seed).ok()))
                    .ok_or("a seed is a whole number, at least 0".to_owned())
            }),
            length: Length::read(&mut reader),
            samples: Samples::read(&mut reader),
            chunk: reader
                .take("chunk", Chunk::ALLOWED)
                .unwrap_or(Chunk::OfNetwork),
            diagnostics: reader.options("diagnostics", DiagnosticsConfig::problem),
            segment: reader.options("segment", |segment: &SegmentConfig| {
                (segment.at.is_empty()).then(|| "at lists at least one iteration".to_owned())
            }),
            tuned: Tuned::unread(
                reader
                    .take("tuned", "the path of a file that `experiments tune` wrote")
                    .unwrap_or(tune::DEFAULT.into()),
            ),
            init: reader
                .take::<String>(
                    "init",
                    "\"pytorch\" or the path of a .safetensors or .pt file",
                )
                .map_or(Init::Pytorch, Init::from),
            dtype: reader
                .take("dtype", "\"f32\" or \"f64\"")
                .unwrap_or(FloatType::F32),
            device: reader
                .take(
                    "device",
                    "\"auto\", \"flex\", \"ndarray\", \"wgpu\" or \"cuda\"",
                )
                .unwrap_or(DeviceName::Auto),
        };
        let mut problems = reader.finish();
        grid.samples.check(&grid.networks, &mut problems);
        if let Init::File(path) = &grid.init
            && !Path::new(path).is_file()
        {
            problems.push(format!(
                "init = {:?}: there is no such file; use \"pytorch\" or the path of a .safetensors or .pt file",
                path.display().to_string()
            ));
        }
        grid.check_entries(&mut problems);
        let mut grid = grid.narrow(only, &mut problems);
        (grid.length).check(&grid.samples, &grid.datasets, &grid.networks, &mut problems);
        change(&mut grid);
        let is_tuned = grid.methods.iter().any(MethodSpec::is_tuned);
        if is_tuned && grid.is_stochastic() {
            problems.push(
                "step_size = \"tuned\" does not go with batch_size: `experiments tune` makes full-batch runs; give a \
                 number"
                    .to_owned(),
            );
        }
        if is_tuned && let Err(error) = grid.tuned.read() {
            problems.push(format!("tuned: {error:#}"));
        }
        grid.check_methods(&mut problems);
        if problems.is_empty() {
            Ok(grid)
        } else {
            Err(fail(problems))
        }
    }

    /// Whether its runs go through mini-batches.
    pub fn is_stochastic(&self) -> bool {
        self.length.mini_batches.is_some()
    }

    /// Turns the grid into one that tunes the step size of a method: a short run of every candidate for the first seed,
    /// without measurements on the way. Other options of the method are those that the grid names it with.
    pub fn tune(&mut self, method: &str, step_sizes: &[f64], iterations: u64) {
        self.name = format!("tune-{}", self.name);
        self.methods = MethodSpec::candidates(&self.methods, method, step_sizes);
        self.seeds.truncate(1);
        self.length.iterations = iterations;
        self.length.sharpness_every = 0;
        self.length.accuracy_every = 0;
        self.diagnostics = None;
        self.segment = None;
    }

    /// The runs of the grid, in order, not yet fitted to a [budget](crate::memory).
    ///
    /// # Panics
    ///
    /// Never: [`read`](Self::read) has resolved every method for every data set.
    pub fn cells(&self) -> Vec<CellConfig> {
        let mut cells = Vec::new();
        for &dataset in &self.datasets {
            for network in &self.networks {
                for &loss in &self.losses {
                    for &seed in &self.seeds {
                        for method in &self.methods {
                            let problem = Problem {
                                dataset,
                                network,
                                loss,
                                tuned: &self.tuned,
                            };
                            let method = method.resolve(&problem);
                            cells.push(CellConfig {
                                dataset,
                                loss,
                                seed,
                                iterations: self.length.iterations,
                                samples: (self.samples.of(dataset, network))
                                    .expect("read() has checked it"),
                                first_per_class: self.samples.first_per_class(),
                                chunk: match self.chunk {
                                    Chunk::Samples(chunk) => chunk.get(),
                                    Chunk::OfNetwork | Chunk::Auto => network.default_chunk(),
                                },
                                sharpness_every: self.length.sharpness_every,
                                lanczos_basis: None,
                                accuracy_every: self.length.accuracy_every,
                                init: self.init.clone(),
                                dtype: self.dtype,
                                device: self.device,
                                network: network.clone(),
                                method: method.expect("read() has resolved it"),
                                diagnostics: self.diagnostics.clone(),
                                segment: self.segment.clone(),
                                mini_batches: self.length.mini_batches,
                            });
                        }
                    }
                }
            }
        }
        cells
    }
}

/// What is wrong with the name of a grid, which is that of the folder of its results, in that which the user has given.
fn check_name(name: &str) -> Option<String> {
    let is_folder = !name.is_empty() && Path::new(name).file_name() == Some(name.as_ref());
    let is_plain = is_folder && !name.contains(['/', '\\']) && name.trim() == name;
    (!is_plain).then(|| {
        format!(
            "the grid would be called {name:?}, and the folder of its results, too: give the file another name, such \
             as my.toml"
        )
    })
}

/// A grid's text.
///
/// # Errors
///
/// The line that is no text.
pub fn text(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        format!("not TOML: line {line} is no UTF-8 text")
    })
}

/// The shape of a data set's images.
pub fn input_shape(dataset: Dataset) -> InputShape {
    let [height, width] = dataset.image_size();
    InputShape {
        channels: dataset.channels(),
        height,
        width,
    }
}

/// How a loss is spelled in a grid.
pub fn loss_name(loss: Loss) -> &'static str {
    match loss {
        Loss::Mse => "mse",
        Loss::CrossEntropy => "cross-entropy",
    }
}

/// A network as an argument gives it: a name, or an inline table.
pub fn network_argument(text: &str) -> Result<Architecture, String> {
    let parsed = format!("network = {text}").parse::<Table>();
    let value = parsed.ok().and_then(|mut table| table.remove("network"));
    match value {
        Some(value @ Value::Table(_)) => network(&value),
        _ => network(&Value::String(text.to_owned())),
    }
    .map_err(|problem| format!("--network {text}: {problem}"))
}

/// A loss as an argument gives it.
pub fn loss_argument(text: &str) -> Result<Loss, String> {
    loss(&Value::String(text.to_owned())).map_err(|problem| format!("--loss {text}: {problem}"))
}
