//! Grids: lists of data sets, networks, methods, losses and seeds, and the settings of every run.
//!
//! A grid goes from its text to its runs in steps: [`GridSpec::parse`], [`GridSpec::apply`], [`GridSpec::check`],
//! [`Grid::runs`].
//!
//! Everything that a command changes (`--set`, `--only`, other options, `--extend`) is applied in one place, before the
//! grid is checked. So the check sees the grid that is run, and reports all problems at once.

mod check;
#[cfg(test)]
mod damaged;
mod entries;
mod length;
mod narrow;
mod overrides;
mod reader;
mod samples;

use std::fmt;
use std::path::Path;

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use thiserror::Error;
use toml::{Table, Value};

use crate::chunk::Chunk;
use crate::device_name::DeviceName;
use crate::diagnostics::{DiagnosticsConfig, SegmentConfig};
use crate::float_type::FloatType;
use crate::init::Init;
use crate::measurement::MeasurementConfig;
use crate::method_spec::{MethodContext, MethodSpec};
use crate::run_config::RunConfig;
use crate::tuned::{self, TunedStepSizes};
use entries::{dataset, loss, network};
use length::Length;
use reader::Reader;
use samples::SampleCount;

pub use overrides::{Overrides, TuningOverride};
pub(crate) use reader::replace_keys;

/// The text of a grid, read as TOML and not checked yet.
#[derive(Debug, Clone)]
pub struct GridSpec {
    name: String,
    /// The grid file, or the preset, for messages.
    origin: String,
    table: Table,
    only: Vec<String>,
    extend: Option<u64>,
    tuning: Option<TuningOverride>,
    problems: Vec<String>,
}

/// A checked grid: every method suits every data set, network and loss.
#[derive(Debug, Clone)]
pub struct Grid {
    name: String,
    datasets: Vec<Dataset>,
    networks: Vec<Architecture>,
    methods: Vec<MethodSpec>,
    losses: Vec<Loss>,
    seeds: Vec<u64>,
    length: Length,
    samples: SampleCount,
    chunk: Chunk,
    diagnostics: Option<DiagnosticsConfig>,
    segment: Option<SegmentConfig>,
    measurement: MeasurementConfig,
    tuned: TunedStepSizes,
    init: Init,
    dtype: FloatType,
    device: DeviceName,
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

impl GridSpec {
    /// Reads a grid as TOML. `name` names the folder of its results; `origin` is the file or the preset, for messages.
    ///
    /// # Errors
    ///
    /// The text is not TOML.
    pub fn parse(name: &str, text: &str, origin: &str) -> Result<Self, GridError> {
        let table = text.parse().map_err(|error: toml::de::Error| GridError {
            origin: origin.to_owned(),
            problems: vec![format!("not TOML: {}", error.to_string().trim_end())],
        })?;
        Ok(Self {
            name: name.to_owned(),
            origin: origin.to_owned(),
            table,
            only: Vec::new(),
            extend: None,
            tuning: None,
            problems: Vec::new(),
        })
    }

    /// Checks every key and every combination of entries.
    ///
    /// # Errors
    ///
    /// All problems at once, each with the key, the value and what is allowed.
    pub fn check(self) -> Result<Grid, GridError> {
        let Self {
            name,
            origin,
            table,
            only,
            extend,
            tuning,
            problems,
        } = self;
        let mut reader = Reader { table, problems };
        reader.problems.splice(0..0, check_name(&name));
        reader.check_rivals();
        let mut grid = Grid::read(name, &mut reader);
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
        grid.narrow(&only, &mut problems);
        (grid.length).check(&grid.samples, &grid.datasets, &grid.networks, &mut problems);
        if let Some(more) = extend {
            grid.length.extend(more, &mut problems);
        }
        if let Some(tuning) = &tuning {
            grid.tune(tuning);
        }
        let is_tuned = grid.methods.iter().any(MethodSpec::is_tuned);
        if is_tuned && grid.is_stochastic() {
            problems.push(
                "step_size = \"tuned\" does not go with batch_size: `experiments tune` makes full-batch runs; give a \
                 number"
                    .to_owned(),
            );
        }
        if is_tuned && let Err(error) = grid.tuned.read() {
            problems.push(match std::error::Error::source(&error) {
                Some(source) => format!("tuned: {error}: {source}"),
                None => format!("tuned: {error}"),
            });
        }
        grid.check_methods(&mut problems);
        if problems.is_empty() {
            Ok(grid)
        } else {
            Err(GridError { origin, problems })
        }
    }
}

impl Grid {
    /// Takes the keys out of a grid's table.
    fn read(name: String, reader: &mut Reader) -> Self {
        Self {
            name,
            datasets: reader.list("datasets", None, dataset),
            networks: reader.list("networks", None, network),
            methods: reader.list("methods", None, MethodSpec::read),
            losses: reader.list("losses", Some(vec![Loss::Mse]), loss),
            seeds: reader.list("seeds", Some(vec![42]), |value| {
                (value.as_integer().and_then(|seed| u64::try_from(seed).ok()))
                    .ok_or("a seed is a whole number, at least 0".to_owned())
            }),
            length: Length::read(reader),
            samples: SampleCount::read(reader),
            chunk: reader
                .take("chunk", Chunk::ALLOWED)
                .unwrap_or(Chunk::OfNetwork),
            diagnostics: reader.options("diagnostics", DiagnosticsConfig::problem),
            segment: reader.options("segment", |segment: &SegmentConfig| {
                (segment.at.is_empty()).then(|| "at lists at least one iteration".to_owned())
            }),
            measurement: reader
                .options("measurement", MeasurementConfig::problem)
                .unwrap_or_default(),
            tuned: TunedStepSizes::unread(
                reader
                    .take("tuned", "the path of a file that `experiments tune` wrote")
                    .unwrap_or(tuned::DEFAULT.into()),
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
        }
    }

    /// The name of the folder of its results.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The device that the runs compute on.
    pub fn device(&self) -> DeviceName {
        self.device
    }

    /// The float type of the runs.
    pub fn dtype(&self) -> FloatType {
        self.dtype
    }

    /// How many samples go through the networks together.
    pub fn chunk(&self) -> Chunk {
        self.chunk
    }

    /// Whether the runs go through mini-batches.
    pub fn is_stochastic(&self) -> bool {
        self.length.mini_batches.is_some()
    }

    /// The runs of the grid on a device, in order. They are not fitted to a memory budget yet.
    ///
    /// # Panics
    ///
    /// Never: [`GridSpec::check`] has resolved every method for every data set.
    pub fn runs(&self, device: DeviceName) -> Vec<RunConfig> {
        let mut runs = Vec::new();
        for (dataset, network, loss) in self.problems() {
            for &seed in &self.seeds {
                for method in &self.methods {
                    let context = self.context(dataset, network, loss);
                    let method = method.resolve(&context);
                    runs.push(RunConfig {
                        dataset,
                        loss,
                        seed,
                        iterations: self.length.iterations,
                        samples: (self.samples.of(dataset, network)).expect("checked"),
                        first_per_class: self.samples.first_per_class(),
                        chunk: match self.chunk {
                            Chunk::SampleCount(chunk) => chunk.get(),
                            Chunk::OfNetwork | Chunk::Auto => network.default_chunk(),
                        },
                        sharpness_every: self.length.sharpness_every,
                        lanczos_basis: None,
                        accuracy_every: self.length.accuracy_every,
                        init: self.init.clone(),
                        dtype: self.dtype,
                        device,
                        network: network.clone(),
                        method: method.expect("checked"),
                        diagnostics: self.diagnostics.clone(),
                        segment: self.segment.clone(),
                        measurement: self.measurement,
                        mini_batches: self.length.mini_batches,
                    });
                }
            }
        }
        runs
    }

    /// Every combination of data set, network and loss, in order.
    fn problems(&self) -> impl Iterator<Item = (Dataset, &Architecture, Loss)> {
        self.datasets.iter().flat_map(move |&dataset| {
            self.networks.iter().flat_map(move |network| {
                (self.losses.iter()).map(move |&loss| (dataset, network, loss))
            })
        })
    }

    fn context<'a>(
        &'a self,
        dataset: Dataset,
        network: &'a Architecture,
        loss: Loss,
    ) -> MethodContext<'a> {
        MethodContext {
            dataset,
            network,
            loss,
            tuned: &self.tuned,
        }
    }
}

/// What is wrong with the name of a grid, which is also the name of the folder of its results.
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

/// The text of a grid file.
///
/// # Errors
///
/// The bytes are not UTF-8. The message names the line.
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

/// Reads a network as a command-line argument gives it: a name, or an inline table.
///
/// # Errors
///
/// There is no such network, or it does not have an option.
pub fn network_argument(text: &str) -> Result<Architecture, String> {
    let parsed = format!("network = {text}").parse::<Table>();
    let value = parsed.ok().and_then(|mut table| table.remove("network"));
    match value {
        Some(value @ Value::Table(_)) => network(&value),
        _ => network(&Value::String(text.to_owned())),
    }
    .map_err(|problem| format!("--network {text}: {problem}"))
}

/// Reads a loss as a command-line argument gives it.
///
/// # Errors
///
/// There is no such loss.
pub fn loss_argument(text: &str) -> Result<Loss, String> {
    loss(&Value::String(text.to_owned())).map_err(|problem| format!("--loss {text}: {problem}"))
}
