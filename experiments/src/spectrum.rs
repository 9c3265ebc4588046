//! `experiments spectrum`: everything that is measured of a point, at one that was saved.

use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, ensure};
use burn::tensor::{DType, Tensor};
use comfy_table::{Table, presets};
use flatland_models::{FullBatch, Initializer, Loss, load_weights};
use flatland_sharpness::{
    EigenPairs, Hessian, LanczosConfig, SegmentPoint, SmoothedDensity, SpectralDensity,
    SpectralDensityConfig, Wanted, eigenpairs, spectral_density,
};
use serde_json::{Value, json};
use tracing::warn;

use crate::batches;
use crate::cli::SpectrumArgs;
use crate::diagnostics::{Measured, segment};
use crate::figure::DensityFigure;
use crate::grid::{self, input_shape, loss_name};
use crate::records::write_whole;
use crate::run::selection;
use crate::session::Ending;

/// Points of the smoothed density.
const GRID_POINTS: usize = 1000;
/// Standard deviation of its Gaussians, as a share of the width of the spectrum.
const BANDWIDTH: f64 = 5e-3;

/// What was found at the point.
struct Found {
    measured: Measured,
    /// The most negative eigenvalues, the least leading.
    smallest: EigenPairs,
    segment: Vec<SegmentPoint>,
    density: SpectralDensity,
    smoothed: SmoothedDensity,
}

/// Measures, prints a table, writes `spectrum.json` and `spectrum.svg`.
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
    let network = grid::network_argument(&arguments.network).map_err(anyhow::Error::msg)?;
    let loss = grid::loss_argument(&arguments.loss).map_err(anyhow::Error::msg)?;
    let device = arguments.device.find(arguments.dtype)?;
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
    let found = measure(&mut objective, &loaded.point, classes, arguments)?;

    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let about = json!({
        "weights": weights,
        "dataset": dataset.name(),
        "network": &network,
        "loss_function": loss_name(loss),
        "seed": seed,
        "samples": samples.labels.len(),
        "chunk": chunk,
        "dtype": arguments.dtype,
        "device": device.description,
        "parameters": loaded.point.dims()[0],
    });
    let record = found.to_json(about, &objective);
    let record = serde_json::to_string_pretty(&record)?;
    write_whole(&folder.join("spectrum.json"), record.as_bytes())?;
    let picture = folder.join("spectrum.svg");
    let floor = (loss == Loss::Mse).then_some(2.0 / classes as f64);
    DensityFigure {
        title: &format!("{dataset} · {} · {}", network.name(), loss_name(loss)),
        density: &found.smoothed,
        dimension: loaded.point.dims()[0],
        eigenvalues: &found.measured.pairs.values,
        floor,
    }
    .draw(&picture)?;
    println!("{}\n{}", found.table(floor), found.segment_table());
    println!("record: {}", folder.join("spectrum.json").display());
    println!("picture: {}", picture.display());
    Ok(Ending::Success)
}

fn measure(
    objective: &mut FullBatch,
    point: &Tensor<1>,
    classes: usize,
    arguments: &SpectrumArgs,
) -> Result<Found> {
    let seed = arguments.seed;
    let never = AtomicBool::new(false);
    let measured = Measured::at(
        &mut objective.unless(&never),
        point,
        arguments.eigenvalues,
        classes,
        seed,
        &[],
    )?;
    if !measured.pairs.converged {
        warn!(
            "not all eigenvalues have converged: the largest residual is {:e}",
            measured.residual()
        );
    }
    let smallest = Wanted::Ends {
        largest: 0,
        smallest: arguments.smallest.get().min(point.dims()[0]),
    };
    let (values, vectors) = (&measured.pairs.values, &measured.pairs.vectors);
    let negative: Vec<_> = (values.iter().zip(vectors))
        .filter(|(value, _)| **value < 0.0)
        .map(|(_, vector)| vector.clone())
        .collect();
    let config = LanczosConfig::new().with_seed(seed);
    let mut hessian = Hessian::new(objective, point);
    let smallest = eigenpairs(&mut hessian, smallest, &config, &negative)?;
    let config = SpectralDensityConfig::new()
        .with_probes(arguments.probes)
        .with_steps(arguments.steps)
        .with_seed(seed);
    let density = spectral_density(&mut hessian, &config)?;
    drop(hessian);
    Ok(Found {
        measured,
        smallest,
        segment: segment(objective, point, 0.0, seed)?,
        smoothed: density.smoothed(GRID_POINTS, BANDWIDTH)?,
        density,
    })
}

impl Found {
    fn to_json(&self, about: Value, objective: &FullBatch) -> Value {
        let Measured {
            loss,
            gradient_norm,
            trace,
            pairs,
            norms,
            dead,
            pairing,
        } = &self.measured;
        let slots = objective.layout().slots().iter();
        let gradient_norms: Vec<Value> = (slots.zip(&norms.tensors))
            .map(|(slot, norm)| json!({ "parameter": slot.name, "norm": norm }))
            .collect();
        let segment: Vec<Value> = (self.segment.iter())
            .map(|at| {
                json!({
                    "t": at.step_size,
                    "gradient_change": at.gradient_change,
                    "curvature": at.curvature,
                    "hessian_norm": at.hessian_norm,
                    "sharpness": at.sharpness,
                })
            })
            .collect();
        json!({
            "about": about,
            "loss": loss,
            "gradient_norm": gradient_norm,
            "gradient_norms": gradient_norms,
            "zero_gradient_share": norms.zero_share,
            "dead_activation_shares": dead,
            "trace": {
                "value": trace.value,
                "standard_error": trace.standard_error,
                "probes": trace.probes,
                "converged": trace.converged,
            },
            "eigenvalues": pairs.values,
            "residuals": pairs.residuals,
            "converged": pairs.converged,
            "smallest_eigenvalues": self.smallest.values,
            "smallest_residuals": self.smallest.residuals,
            "pairing": pairing,
            "segment": segment,
            "density": {
                "nodes": self.density.nodes,
                "weights": self.density.weights,
                "points": self.smoothed.points,
                "densities": self.smoothed.densities,
                "standard_deviation": self.smoothed.standard_deviation,
            },
        })
    }

    fn table(&self, floor: Option<f64>) -> Table {
        let Measured {
            trace,
            pairs,
            norms,
            pairing,
            ..
        } = &self.measured;
        let number = |value: f64| format!("{value:.4e}");
        let optional = |value: Option<f64>| value.map_or("–".to_owned(), number);
        let numbers = |values: &[f64]| {
            let values: Vec<String> = values.iter().map(|value| number(*value)).collect();
            let rows: Vec<String> = values.chunks(5).map(|row| row.join("  ")).collect();
            rows.join("\n")
        };
        let hidden = norms.hidden();
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        let probes = trace.probes;
        let rows = [
            ("loss", number(self.measured.loss)),
            ("gradient norm", number(self.measured.gradient_norm)),
            (
                "  of hidden parameters: mean, min, max",
                [
                    hidden.map(|norms| norms.mean),
                    hidden.map(|norms| norms.min),
                    hidden.map(|norms| norms.max),
                ]
                .map(optional)
                .join(", "),
            ),
            ("  of the last bias", optional(norms.last_bias())),
            (
                "zero share of the gradient",
                format!("{:.4}", norms.zero_share),
            ),
            (
                "largest dead share of a layer",
                optional(self.measured.dead_share()),
            ),
            (
                "trace",
                format!(
                    "{} ± {} ({probes} probes)",
                    number(trace.value),
                    number(trace.standard_error)
                ),
            ),
            ("eigenvalues by magnitude", numbers(&pairs.values)),
            ("smallest eigenvalues", numbers(&self.smallest.values)),
            ("largest residual", number(self.measured.residual())),
            ("2/K", optional(floor)),
            ("pairing after the first K", optional(*pairing)),
            (
                "negative share of the spectrum",
                format!(
                    "{:.4}",
                    self.density
                        .mean(|value| f64::from(value < -self.smoothed.standard_deviation))
                ),
            ),
        ];
        for (name, value) in rows {
            table.add_row([name.to_owned(), value]);
        }
        table
    }

    fn segment_table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
            "t",
            "‖∇f(w_t) − g‖/t‖g‖",
            "gᵀHg/‖g‖²",
            "‖Hg‖/‖g‖",
            "λ₁",
        ]);
        for at in &self.segment {
            let numbers = [
                at.gradient_change,
                at.curvature,
                at.hessian_norm,
                at.sharpness,
            ];
            let cells = numbers.map(|value| format!("{value:.4e}"));
            table.add_row([vec![at.step_size.to_string()], cells.to_vec()].concat());
        }
        table
    }
}
