//! What is measured beside the sharpness: spectrum and gradient of the early phase, smoothness along steps.

mod large_steps;
mod segment;

use std::time::Instant;

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_config::{DiagnosticsConfig, MeasurementConfig, RunConfig};
use flatland_models::{GradientNorms, Interruptible};
use flatland_optim::{Objective, Outcome, Step, vector};
use flatland_records::{
    DiagnosticsRow, GradientNormRow, LargeStepRow, SegmentRow, SmoothnessRow, TableWriter, files,
};
use flatland_sharpness::{
    EigenPairs, Error, Hessian, TraceEstimate, Wanted, eigenpairs, pairing, trace,
};
use tracing::warn;

use segment::SegmentDiagnostics;

pub use large_steps::PendingStep;
pub use segment::segment;

/// An activation of smaller magnitude is dead (the paper's figure 2).
const DEAD: f64 = 1e-6;

/// The measurements at a point.
pub struct PointMeasurement {
    /// The training loss.
    pub loss: f64,
    /// `‖∇f‖`
    pub gradient_norm: f64,
    /// The Hessian's trace.
    pub trace: TraceEstimate,
    /// The eigenvalues of largest magnitude.
    pub pairs: EigenPairs,
    /// The gradient's norm at each parameter.
    pub norms: GradientNorms,
    /// The share of dead activations in each layer.
    pub dead: Vec<f64>,
    /// How well the eigenvalues after the first `K` cancel in pairs.
    pub pairing: Option<f64>,
}

impl PointMeasurement {
    /// Measures at `point`. The eigenvalues start from the `start` vectors.
    ///
    /// # Errors
    ///
    /// The Hessian is not finite.
    pub fn at(
        objective: &mut Interruptible<'_>,
        point: &Tensor<1>,
        options: &PointOptions,
        start: &[Tensor<1>],
    ) -> Result<Self, Error> {
        let PointOptions {
            eigenvalues,
            classes,
            seed,
            measurement,
        } = *options;
        let (loss, gradient) = objective.loss_and_gradient(point);
        let norms = GradientNorms::of(objective.layout(), &gradient);
        let dead = objective.small_activations(point, DEAD);
        let hessian = &mut Hessian::new(objective, point);
        let trace = trace(hessian, &measurement.trace().with_seed(seed))?;
        let wanted = Wanted::Magnitude(eigenvalues.min(point.dims()[0]));
        let lanczos = measurement.lanczos().with_seed(seed);
        let pairs = eigenpairs(hessian, wanted, &lanczos, start)?;
        let pairing = pairs.values.get(classes..).and_then(pairing);
        Ok(Self {
            loss,
            gradient_norm: vector::norm(&gradient),
            trace,
            pairs,
            norms,
            dead,
            pairing,
        })
    }

    /// The Hessian-vector products taken.
    pub fn products(&self) -> usize {
        self.trace.probes + self.pairs.products
    }

    /// The largest residual of the eigenvalues.
    pub fn residual(&self) -> f64 {
        self.pairs.residuals.iter().copied().fold(0.0, f64::max)
    }

    /// The largest share of dead activations.
    pub fn dead_share(&self) -> Option<f64> {
        self.dead.iter().copied().reduce(f64::max)
    }
}

/// What to measure at a point, and how.
#[derive(Debug, Clone, Copy)]
pub struct PointOptions {
    /// How many eigenvalues. At most all of the network.
    pub eigenvalues: usize,
    /// `K`
    pub classes: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// The accuracy.
    pub measurement: MeasurementConfig,
}

/// The diagnostics of one run, if its configuration asks for any.
pub struct Diagnostics {
    early: Option<DiagnosticsConfig>,
    segment: Option<SegmentDiagnostics>,
    classes: usize,
    seed: u64,
    measurement: MeasurementConfig,
    /// The last eigenvectors, to start the next measurement from.
    vectors: Vec<Tensor<1>>,
}

/// The cost of measurements.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeasurementCost {
    /// Hessian-vector products.
    pub products: usize,
    /// Seconds.
    pub seconds: f64,
}

impl Diagnostics {
    /// The diagnostics of a run of which nothing is measured yet.
    pub fn new(run: &RunConfig) -> Self {
        let segment = run.segment.clone();
        Self {
            early: run.diagnostics.clone(),
            segment: segment.map(|config| SegmentDiagnostics::new(config, run.measurement)),
            classes: run.dataset.classes(),
            seed: run.seed,
            measurement: run.measurement,
            vectors: Vec::new(),
        }
    }

    /// Begins the files of rows that are not resumed. `dimension` is the number of parameters.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or has other columns.
    pub fn start(&self, tables: &mut TableWriter, dimension: usize) -> Result<()> {
        if let Some(config) = &self.early {
            let header = DiagnosticsRow::header(config.eigenvalues.min(dimension));
            tables.start_with_header(files::DIAGNOSTICS, &header)?;
            tables.start::<GradientNormRow>(files::GRADIENT_NORMS)?;
        }
        if self.segment.is_some() {
            tables.start::<SegmentRow>(files::SEGMENT)?;
            tables.start::<SmoothnessRow>(files::SMOOTHNESS)?;
            tables.start::<LargeStepRow>(files::LARGE_STEPS)?;
        }
        Ok(())
    }

    /// The state that the next measurements start from: eigenvectors, and steps whose verdict is open.
    pub fn state(&self) -> (Vec<Tensor<1>>, Vec<PendingStep>) {
        let pending = (self.segment.as_ref()).map_or(&[][..], SegmentDiagnostics::pending);
        (self.vectors.clone(), pending.to_vec())
    }

    /// Restores an earlier [`state`](Self::state).
    pub fn resume(&mut self, vectors: Vec<Tensor<1>>, pending: Vec<PendingStep>) {
        self.vectors = vectors;
        if let Some(segment) = &mut self.segment {
            segment.resume(pending);
        }
    }

    /// Measures what is due at `w_k = point`, from which `step` was computed but not yet taken. Measures nothing if the
    /// run has diverged.
    ///
    /// # Errors
    ///
    /// A row cannot be written.
    pub fn measure(
        &mut self,
        iteration: u64,
        is_last: bool,
        objective: &mut Interruptible<'_>,
        point: &Tensor<1>,
        step: &Step,
        tables: &mut TableWriter,
    ) -> Result<MeasurementCost> {
        let mut cost = MeasurementCost::default();
        if matches!(step.outcome, Outcome::Diverged(_)) {
            return Ok(cost);
        }
        let start = Instant::now();
        if let Some(config) = &self.early
            && config.is_due(iteration)
        {
            let measured = PointMeasurement::at(
                objective,
                point,
                &PointOptions {
                    eigenvalues: config.eigenvalues,
                    classes: self.classes,
                    seed: self.seed,
                    measurement: self.measurement,
                },
                &self.vectors,
            );
            match measured {
                Ok(measured) => {
                    cost.products += measured.products();
                    let row = row(iteration, &measured, start.elapsed().as_secs_f64());
                    tables.write(files::DIAGNOSTICS, &row)?;
                    let slots = objective.layout().slots().iter();
                    for (slot, &norm) in slots.zip(&measured.norms.tensors) {
                        let row = GradientNormRow {
                            iteration,
                            parameter: slot.name.clone(),
                            norm,
                        };
                        tables.write(files::GRADIENT_NORMS, &row)?;
                    }
                    self.vectors = if config.is_over(iteration) {
                        Vec::new()
                    } else {
                        measured.pairs.vectors
                    };
                }
                Err(_) if objective.is_interrupted() => {}
                Err(error) => warn!("no diagnostics at iteration {iteration}: {error}"),
            }
        }
        if let Some(segment) = &mut self.segment {
            let at = segment::PendingPoint {
                point,
                step,
                iteration,
                is_last,
            };
            cost.products += segment.measure(&at, objective, self.seed, tables)?;
        }
        cost.seconds = start.elapsed().as_secs_f64();
        Ok(cost)
    }

    /// Writes the verdicts that are still open, when the run is over.
    ///
    /// # Errors
    ///
    /// A row cannot be written.
    pub fn finish(&mut self, tables: &mut TableWriter) -> Result<()> {
        match &mut self.segment {
            Some(segment) => segment.finish(tables),
            None => Ok(()),
        }
    }
}

fn row(iteration: u64, measured: &PointMeasurement, seconds: f64) -> DiagnosticsRow {
    let hidden = measured.norms.hidden();
    DiagnosticsRow {
        iteration,
        trace: measured.trace.value,
        trace_standard_error: measured.trace.standard_error,
        trace_probes: measured.trace.probes,
        eigenvalues: measured.pairs.values.clone(),
        eigenvalue_residual: measured.residual(),
        gradient_norm_mean: hidden.map(|norms| norms.mean),
        gradient_norm_min: hidden.map(|norms| norms.min),
        gradient_norm_max: hidden.map(|norms| norms.max),
        gradient_norm_last_bias: measured.norms.last_bias(),
        zero_gradient_share: measured.norms.zero_share,
        dead_activation_share: measured.dead_share(),
        pairing: measured.pairing,
        hessian_products: measured.products(),
        seconds,
    }
}
