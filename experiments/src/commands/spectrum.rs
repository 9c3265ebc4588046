//! `experiments spectrum`: every measurement of a point, at one that was saved.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use burn::tensor::{DType, Tensor};
use clap::Args;
use comfy_table::{Table, presets};
use flatland_config::{
    DeviceName, FloatType, MeasurementConfig, input_shape, loss_argument, network_argument,
};
use flatland_data::Dataset;
use flatland_models::{FullBatch, Initializer, load_weights};
use flatland_records::files;
use flatland_records::spectrum::{
    DensityRecord, ParameterNorm, SegmentRecord, SpectrumPoint, SpectrumRecord, TraceRecord,
};
use flatland_report::figure::DensityFigure;
use flatland_runner::diagnostics::{PointMeasurement, PointOptions, segment};
use flatland_runner::run::selection;
use flatland_runner::{FoundDevice, batches};
use flatland_sharpness::{
    Hessian, SpectralDensity, SpectralDensityConfig, Wanted, eigenpairs, spectral_density,
};
use tracing::warn;

use crate::exit::Ending;
use crate::terminal::{choice, show};

#[derive(Debug, Args)]
#[command(
    long_about = "Measure a saved point, without training: the trace and the density of the Hessian's spectrum, its \
        eigenvalues of largest magnitude and how well they pair, the gradient's norm by parameter, dead activations, \
        and the smoothness along the gradient. Prints tables; writes spectrum.json and spectrum.svg."
)]
pub struct SpectrumArgs {
    /// The file with the weights, under PyTorch's names: a run's weights.safetensors, or a .pt file.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The data set of the loss.
    #[arg(long, value_name = "NAME")]
    pub dataset: Dataset,
    /// The network: a name, or a table as in a grid, '{ name = "cnn", channels = [16, 16] }'.
    #[arg(long, value_name = "NETWORK")]
    pub network: String,
    /// The loss: mse or cross-entropy.
    #[arg(long, default_value = "mse", value_name = "LOSS")]
    pub loss: String,
    /// Training samples, class by class, chosen by the seed as in a run.
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub samples: usize,
    /// In place of --samples: the first of each class, this number of them, in the order of the files.
    #[arg(long, value_name = "N", conflicts_with = "samples")]
    pub first_per_class: Option<usize>,
    /// The seed of the samples and of everything random in the measurements.
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub seed: u64,
    /// Samples that go through the network together.
    #[arg(long, value_name = "N")]
    pub chunk: Option<usize>,
    /// How many eigenvalues of largest magnitude.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub eigenvalues: usize,
    /// How many of the smallest eigenvalues: the most negative ones.
    #[arg(long, default_value = "5", value_name = "N")]
    pub smallest: NonZeroUsize,
    /// Random vectors for the density.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub probes: usize,
    /// Lanczos steps from each.
    #[arg(long, default_value_t = 80, value_name = "N")]
    pub steps: usize,
    /// Where to compute.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = choice::<DeviceName>())]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32", value_parser = choice::<FloatType>())]
    pub dtype: FloatType,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Folder for what is written; that of the weights if not given.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Points of the smoothed density.
const GRID_POINTS: usize = 1000;
/// Standard deviation of its Gaussians, as a share of the width of the spectrum.
const BANDWIDTH: f64 = 5e-3;

/// `experiments spectrum`
pub fn run(arguments: &SpectrumArgs) -> Result<Ending> {
    let SpectrumArgs {
        dataset,
        seed,
        weights,
        ..
    } = arguments;
    let folder = match &arguments.output {
        Some(folder) => folder.clone(),
        None => weights.parent().context("a file lies in a folder")?.into(),
    };
    let network = network_argument(&arguments.network).map_err(anyhow::Error::msg)?;
    let loss = loss_argument(&arguments.loss).map_err(anyhow::Error::msg)?;
    let device = FoundDevice::find(arguments.device, arguments.dtype)?;
    let data = flatland_data::load(*dataset, &arguments.data_dir)?;
    let selection = selection(arguments.first_per_class, arguments.samples, *seed);
    let samples = data.train.select(selection)?;

    let (shape, classes) = (input_shape(*dataset), dataset.classes());
    let dtype = DType::from(arguments.dtype);
    let mut without_values = Initializer::without_values(&device.device, dtype);
    let built = network.init(shape, classes, &mut without_values)?;
    let loaded = load_weights(weights, &built, &device.device, dtype)?;
    for remark in loaded.remarks() {
        warn!("{}: {remark}", weights.display());
    }
    let chunk = arguments.chunk.unwrap_or(network.default_chunk());
    ensure!(chunk > 0, "--chunk 0: expected at least 1");
    let chunks = batches::upload(&samples, *dataset, chunk, &device.device, arguments.dtype);
    let mut objective = FullBatch::new(built, loss, chunks).with_threads(device.threads());
    let about = SpectrumPoint {
        weights: weights.display().to_string(),
        dataset: dataset.name().to_owned(),
        network: toml::Table::try_from(&network)?,
        loss_function: loss.to_string(),
        seed: *seed,
        samples: samples.labels.len() as u64,
        chunk: chunk as u64,
        dtype: Some(arguments.dtype),
        device: device.description,
        parameters: loaded.point.dims()[0] as u64,
    };
    let floor = about.floor();
    let title = format!("{dataset} · {} · {loss}", network.name());
    let (record, measured) = measure(&mut objective, &loaded.point, about, classes, arguments)?;

    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(files::SPECTRUM);
    record.write(&path)?;
    let picture = path.with_extension("svg");
    DensityFigure {
        title: &title,
        density: &record.density,
        dimension: loaded.point.dims()[0],
        eigenvalues: &record.eigenvalues,
        floor,
    }
    .draw(&picture)?;
    show!(
        "{}\n{}",
        table(&record, &measured, floor),
        segment_table(&record)
    );
    show!("record: {}", path.display());
    show!("picture: {}", picture.display());
    Ok(Ending::Success)
}

/// The record of a point, and the measurements that it was made of.
fn measure(
    objective: &mut FullBatch,
    point: &Tensor<1>,
    about: SpectrumPoint,
    classes: usize,
    arguments: &SpectrumArgs,
) -> Result<(SpectrumRecord, Measured)> {
    let (seed, measurement) = (arguments.seed, MeasurementConfig::default());
    let never = AtomicBool::new(false);
    let options = PointOptions {
        eigenvalues: arguments.eigenvalues,
        classes,
        seed,
        measurement,
    };
    let at_point =
        PointMeasurement::at(&mut objective.interruptible(&never), point, &options, &[])?;
    if !at_point.pairs.converged {
        warn!(
            "not all eigenvalues have converged: the largest residual is {:e}",
            at_point.residual()
        );
    }
    let smallest = Wanted::Ends {
        largest: 0,
        smallest: arguments.smallest.get().min(point.dims()[0]),
    };
    let (values, vectors) = (&at_point.pairs.values, &at_point.pairs.vectors);
    let negative: Vec<_> = (values.iter().zip(vectors))
        .filter(|(value, _)| **value < 0.0)
        .map(|(_, vector)| vector.clone())
        .collect();
    let lanczos = measurement.lanczos().with_seed(seed);
    let mut hessian = Hessian::new(objective, point);
    let smallest = eigenpairs(&mut hessian, smallest, &lanczos, &negative)?;
    let config = SpectralDensityConfig::new()
        .with_probes(arguments.probes)
        .with_steps(arguments.steps)
        .with_seed(seed);
    let density = spectral_density(&mut hessian, &config)?;
    drop(hessian);
    let segment = segment(objective, point, 0.0, seed, &measurement)?;
    let smoothed = density.smoothed(GRID_POINTS, BANDWIDTH)?;
    let slots = objective.layout().slots().iter();
    let record = SpectrumRecord {
        about,
        loss: at_point.loss,
        gradient_norm: at_point.gradient_norm,
        gradient_norms: (slots.zip(&at_point.norms.tensors))
            .map(|(slot, &norm)| ParameterNorm {
                parameter: slot.name.clone(),
                norm,
            })
            .collect(),
        zero_gradient_share: at_point.norms.zero_share,
        dead_activation_shares: at_point.dead.clone(),
        trace: TraceRecord {
            value: at_point.trace.value,
            standard_error: at_point.trace.standard_error,
            probes: at_point.trace.probes as u64,
            converged: at_point.trace.converged,
        },
        eigenvalues: at_point.pairs.values.clone(),
        residuals: at_point.pairs.residuals.clone(),
        converged: at_point.pairs.converged,
        smallest_eigenvalues: smallest.values,
        smallest_residuals: smallest.residuals,
        pairing: at_point.pairing,
        segment: (segment.into_iter())
            .map(|at| SegmentRecord {
                t: at.step_size,
                gradient_change: at.gradient_change,
                curvature: at.curvature,
                hessian_norm: at.hessian_norm,
                sharpness: at.sharpness,
            })
            .collect(),
        density: DensityRecord {
            nodes: density.nodes.clone(),
            weights: density.weights.clone(),
            points: smoothed.points,
            densities: smoothed.densities,
            standard_deviation: smoothed.standard_deviation,
        },
    };
    Ok((record, Measured { at_point, density }))
}

/// Measurements of which the record has only a part.
struct Measured {
    at_point: PointMeasurement,
    density: SpectralDensity,
}

fn table(record: &SpectrumRecord, measured: &Measured, floor: Option<f64>) -> Table {
    let Measured { at_point, density } = measured;
    let number = |value: f64| format!("{value:.4e}");
    let optional = |value: Option<f64>| value.map_or("–".to_owned(), number);
    let numbers = |values: &[f64]| {
        let values: Vec<String> = values.iter().map(|value| number(*value)).collect();
        let rows: Vec<String> = values.chunks(5).map(|row| row.join("  ")).collect();
        rows.join("\n")
    };
    let hidden = at_point.norms.hidden();
    let hidden = [
        hidden.map(|norms| norms.mean),
        hidden.map(|norms| norms.min),
        hidden.map(|norms| norms.max),
    ];
    let width = record.density.standard_deviation;
    let negative = density.mean(|value| f64::from(value < -width));
    let rows = [
        ("loss", number(record.loss)),
        ("gradient norm", number(record.gradient_norm)),
        (
            "  of hidden parameters: mean, min, max",
            hidden.map(optional).join(", "),
        ),
        ("  of the last bias", optional(at_point.norms.last_bias())),
        (
            "zero share of the gradient",
            format!("{:.4}", record.zero_gradient_share),
        ),
        (
            "largest dead share of a layer",
            optional(at_point.dead_share()),
        ),
        (
            "trace",
            format!(
                "{} ± {} ({} probes)",
                number(record.trace.value),
                number(record.trace.standard_error),
                record.trace.probes
            ),
        ),
        ("eigenvalues by magnitude", numbers(&record.eigenvalues)),
        (
            "smallest eigenvalues",
            numbers(&record.smallest_eigenvalues),
        ),
        ("largest residual", number(at_point.residual())),
        ("2/K", optional(floor)),
        ("pairing after the first K", optional(record.pairing)),
        ("negative share of the spectrum", format!("{negative:.4}")),
    ];
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    table
}

fn segment_table(record: &SpectrumRecord) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "t",
        "‖∇f(w_t) − g‖/t‖g‖",
        "gᵀHg/‖g‖²",
        "‖Hg‖/‖g‖",
        "λ₁",
    ]);
    for at in &record.segment {
        let numbers = [
            at.gradient_change,
            at.curvature,
            at.hessian_norm,
            at.sharpness,
        ];
        let cells = numbers.map(|value| format!("{value:.4e}"));
        table.add_row([vec![at.t.to_string()], cells.to_vec()].concat());
    }
    table
}
