//! One run: train, measure, record.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{DType, Tensor};
use flatland_data::{Loaded, Samples, Selection};
use flatland_models::{FullBatch, Initializer, Sequence, load_weights, save_weights};
use flatland_optim::module::flatten;
use flatland_optim::{Convergence, Counted, Method, NonFinite, Outcome, SearchFailure, Step};
use flatland_sharpness::{Hessian, LanczosConfig, Sharpness, sharpness};
use tracing::warn;

use crate::batches;
use crate::cell::{CellConfig, Init};
use crate::device::FoundDevice;
use crate::diagnostics::Diagnostics;
use crate::grid::input_shape;
use crate::progress::Progress;
use crate::records::{
    self, DataFile, MetricsRow, Provenance, RowWriter, RunFile, SharpnessRow, Status, Totals,
};

/// Makes the run of `cell` in `directory`, which exists and is empty or holds an unfinished attempt.
///
/// # Errors
///
/// A record that cannot be written, or initial weights that cannot be read. The caller catches the panics of a
/// backend.
pub fn execute(
    cell: &CellConfig,
    directory: &Path,
    data: &Loaded,
    device: &FoundDevice,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<RunFile> {
    records::write_whole(&directory.join(records::CONFIG), cell.to_toml().as_bytes())?;
    let file = RunFile {
        status: Status::Running,
        reason: None,
        provenance: provenance(cell, data, device)?,
        started: jiff::Timestamp::now(),
        ended: None,
        totals: Totals::default(),
    };
    file.write(directory)?; // before anything that can fail for lack of memory
    let mut run = Run::prepare(cell, directory, data, device, file)?;
    run.file.write(directory)?;
    run.train(interrupted, progress)?;
    run.finish()
}

/// The training samples of a cell.
pub fn training_samples(cell: &CellConfig, data: &Loaded) -> Result<Samples> {
    let selection = Selection::Stratified {
        samples: cell.samples,
        seed: cell.seed,
    };
    Ok(data.train.select(selection)?)
}

struct Run<'a> {
    cell: &'a CellConfig,
    directory: &'a Path,
    network: Sequence,
    objective: Counted<FullBatch>,
    test: FullBatch,
    method: Box<dyn Method<Counted<FullBatch>>>,
    point: Tensor<1>,
    /// The last measurement, to start the next one from.
    sharpness: Option<Sharpness>,
    metrics: RowWriter,
    sharpness_rows: RowWriter,
    diagnostics: Diagnostics,
    file: RunFile,
}

impl<'a> Run<'a> {
    fn prepare(
        cell: &'a CellConfig,
        directory: &'a Path,
        data: &Loaded,
        device: &FoundDevice,
        mut file: RunFile,
    ) -> Result<Self> {
        let dtype = DType::from(cell.dtype);
        let shape = input_shape(cell.dataset);
        let classes = cell.dataset.classes();
        let mut without_values = Initializer::without_values(&device.device, dtype);
        let mut network = cell.network.init(shape, classes, &mut without_values)?;
        let point = match &cell.init {
            Init::Pytorch => {
                let mut initializer = Initializer::new(cell.seed, &device.device, dtype);
                flatten(&cell.network.init(shape, classes, &mut initializer)?)
            }
            Init::File(path) => {
                let loaded = load_weights(path, &network, &device.device, dtype)?;
                for remark in loaded.remarks() {
                    warn!("{}: {remark}", path.display());
                }
                network = loaded.running.write_into(network);
                loaded.point
            }
        };
        let objective = |samples: &Samples| {
            let chunks = batches::upload(
                samples,
                cell.dataset,
                cell.chunk,
                &device.device,
                cell.dtype,
            );
            FullBatch::new(network.clone(), cell.loss, chunks).with_dropout(cell.seed)
        };
        let train = training_samples(cell, data)?;
        let test = data.test.select(Selection::All)?;
        let counts = &mut file.provenance;
        counts.parameters = Some(point.dims()[0] as u64);
        counts.train_samples = Some(train.labels.len() as u64);
        counts.test_samples = Some(test.labels.len() as u64);
        Ok(Self {
            cell,
            directory,
            objective: Counted::new(objective(&train)),
            test: objective(&test),
            network,
            diagnostics: Diagnostics::create(cell, directory, point.dims()[0])?,
            method: cell.method.build()?,
            point,
            sharpness: None,
            metrics: RowWriter::create(directory.join(records::METRICS))?,
            sharpness_rows: RowWriter::create(directory.join(records::SHARPNESS))?,
            file,
        })
    }

    fn train(&mut self, interrupted: &AtomicBool, progress: &mut Progress) -> Result<()> {
        self.file.status = Status::Done;
        for iteration in 0..self.cell.iterations {
            if interrupted.load(Ordering::Relaxed) {
                self.file.status = Status::Interrupted;
                self.file.reason =
                    Some(format!("stopped by the user before iteration {iteration}"));
                break;
            }
            let is_last = iteration + 1 == self.cell.iterations;
            let is_due = |every: u64| every > 0 && (is_last || iteration.is_multiple_of(every));
            let mut sharpness = is_due(self.cell.sharpness_every)
                .then(|| self.measure_sharpness())
                .flatten();
            let accuracy = is_due(self.cell.accuracy_every).then(|| self.measure_accuracy());

            let evaluated = self.objective.evaluations().functions();
            let start = Instant::now();
            let (next, step) = self.method.step(&mut self.objective, self.point.clone());
            self.file.totals.training_seconds += start.elapsed().as_secs_f64();
            let evaluated = self.objective.evaluations().functions() - evaluated;

            let stopped = self.stop(iteration, &step);
            if stopped && sharpness.is_none() && self.cell.sharpness_every > 0 {
                sharpness = self.measure_sharpness(); // the point has not moved
            }
            self.record(iteration, &step, evaluated, sharpness, accuracy)?;
            self.diagnose(iteration, &step, is_last || stopped)?;
            progress.report(
                iteration,
                &step,
                self.sharpness.as_ref().map(|s| s.lambda_max),
            );
            if stopped {
                break;
            }
            self.point = next;
            self.objective.inner_mut().commit_step();
            self.file.totals.iterations += 1;
        }
        Ok(())
    }

    /// Whether the run ends with this step, and how.
    fn stop(&mut self, iteration: u64, step: &Step) -> bool {
        let (status, what) = match step.outcome {
            Outcome::Stepped => return false,
            Outcome::Converged(Convergence::GradientNorm) => (
                Status::Converged,
                format!("the gradient's norm is {:e}", step.gradient_norm),
            ),
            Outcome::Converged(Convergence::Loss) => {
                (Status::Converged, format!("the loss is {:e}", step.loss))
            }
            Outcome::SearchFailed(SearchFailure::TrialLimit) => (
                Status::Stalled,
                format!("none of {} step sizes was acceptable", step.trials),
            ),
            Outcome::SearchFailed(SearchFailure::StepTooSmall) => (
                Status::Stalled,
                "no step size above the least one was acceptable".to_owned(),
            ),
            Outcome::Diverged(NonFinite::Loss) => {
                (Status::Diverged, format!("the loss is {}", step.loss))
            }
            Outcome::Diverged(NonFinite::Gradient) => {
                (Status::Diverged, "the gradient is not finite".to_owned())
            }
            Outcome::Diverged(NonFinite::Curvature) => (
                Status::Diverged,
                "the curvature along the gradient is not finite".to_owned(),
            ),
            Outcome::NoCurvature => (
                Status::Stalled,
                "the curvature along the gradient vanishes, so no finite step size follows from it; \
                 the option epsilon of cdat keeps it positive"
                    .to_owned(),
            ),
        };
        self.file.status = status;
        self.file.reason = Some(format!("at iteration {iteration} {what}"));
        true
    }

    /// Measures the sharpness at the current point. A Hessian that is not finite is no measurement: the step that
    /// follows says whether the run has diverged.
    fn measure_sharpness(&mut self) -> Option<SharpnessRow> {
        let start = Instant::now();
        let mut hessian = Hessian::new(self.objective.inner_mut(), &self.point);
        let config = LanczosConfig::new().with_basis_size(self.cell.lanczos_basis);
        let measured = sharpness(&mut hessian, &config, self.sharpness.take());
        let seconds = start.elapsed().as_secs_f64();
        self.file.totals.measuring_seconds += seconds;
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => {
                warn!("{}: no sharpness: {error}", self.directory.display());
                return None;
            }
        };
        self.file.totals.hessian_products += measured.products as u64;
        let row = SharpnessRow {
            iteration: 0,
            sharpness: measured.lambda_max,
            lambda_min: measured.lambda_min,
            step_size: 0.0,
            step_size_times_sharpness: 0.0,
            edge: None,
            residual: measured.lambda_max_residual,
            hessian_products: measured.products as u64,
            seconds,
        };
        self.sharpness = Some(measured);
        Some(row)
    }

    /// Makes the diagnostics that are due at the current point.
    fn diagnose(&mut self, iteration: u64, step: &Step, is_last: bool) -> Result<()> {
        let objective = self.objective.inner_mut();
        let cost = (self.diagnostics).measure(iteration, is_last, objective, &self.point, step)?;
        self.file.totals.measuring_seconds += cost.seconds;
        self.file.totals.hessian_products += cost.products as u64;
        Ok(())
    }

    fn measure_accuracy(&mut self) -> Accuracy {
        let start = Instant::now();
        let objective = self.objective.inner_mut();
        let train = objective.evaluate(&self.point, None);
        let test = self
            .test
            .evaluate(&self.point, objective.running_statistics());
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        Accuracy { train, test }
    }

    fn record(
        &mut self,
        iteration: u64,
        step: &Step,
        function_evaluations: u64,
        sharpness: Option<SharpnessRow>,
        accuracy: Option<Accuracy>,
    ) -> Result<()> {
        if let Some(row) = sharpness {
            self.sharpness_rows.write(&SharpnessRow {
                iteration,
                step_size: step.step_size,
                step_size_times_sharpness: step.step_size * row.sharpness,
                edge: self.cell.method.edge(step),
                ..row
            })?;
        }
        self.metrics.write(&MetricsRow {
            iteration,
            loss: step.loss,
            step_size: step.step_size,
            initial_step_size: step.initial_step_size,
            trials: step.trials,
            backtracks: step.backtracks,
            function_evaluations,
            gradient_norm: step.gradient_norm,
            reference_value: step.reference_value,
            average_loss: step.average_loss,
            train_accuracy: accuracy.as_ref().map(|a| a.train.accuracy),
            test_loss: accuracy.as_ref().map(|a| a.test.loss),
            test_accuracy: accuracy.as_ref().map(|a| a.test.accuracy),
            seconds: self.file.totals.training_seconds,
        })
    }

    fn finish(mut self) -> Result<RunFile> {
        self.diagnostics.finish()?;
        let accuracy = self.measure_accuracy();
        let evaluations = self.objective.evaluations();
        let totals = &mut self.file.totals;
        totals.function_evaluations = evaluations.functions();
        totals.gradient_evaluations = evaluations.gradients;
        totals.hessian_products += evaluations.products;
        totals.curvature_evaluations = evaluations.curvatures;
        totals.final_loss = finite(accuracy.train.loss);
        totals.final_train_accuracy = Some(accuracy.train.accuracy);
        totals.final_test_loss = finite(accuracy.test.loss);
        totals.final_test_accuracy = Some(accuracy.test.accuracy);
        self.file.ended = Some(jiff::Timestamp::now());
        save_weights(
            &self.directory.join(records::WEIGHTS),
            &self.network,
            &self.point,
            self.objective.inner_mut().running_statistics(),
        )?;
        self.file.write(self.directory)?;
        Ok(self.file)
    }
}

struct Accuracy {
    train: flatland_models::Evaluation,
    test: flatland_models::Evaluation,
}

/// JSON knows no infinity and no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn provenance(cell: &CellConfig, data: &Loaded, device: &FoundDevice) -> Result<Provenance> {
    let initial_weights = match &cell.init {
        Init::Pytorch => None,
        Init::File(path) => {
            let bytes =
                std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            Some(blake3::hash(&bytes).to_hex().to_string())
        }
    };
    Ok(Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: env!("FLATLAND_GIT_COMMIT").to_owned(),
        device: device.description.clone(),
        doctor: device.verdict.clone(),
        threads: rayon::current_num_threads(),
        parameters: None,
        train_samples: None,
        test_samples: None,
        data: (data.files.iter())
            .map(|file| DataFile {
                path: file.location.to_string(),
                sha256: file.sha256.clone(),
                state: file.state.to_string(),
            })
            .collect(),
        initial_weights,
    })
}
