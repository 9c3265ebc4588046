//! What a full-batch run and a stochastic one have in common: the network on its way, and the records it leaves.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use burn::tensor::{DType, Tensor};
use flatland_data::{Loaded, Samples, Selection};
use flatland_models::{
    Batch, Evaluation, FullBatch, Initializer, Sequence, load_weights, save_weights,
};
use flatland_optim::module::flatten;
use flatland_optim::{Counted, Method, Step};
use flatland_sharpness::{Hessian, LanczosConfig, Sharpness, sharpness};
use tracing::warn;

use crate::batches;
use crate::cell::{CellConfig, Init};
use crate::device::FoundDevice;
use crate::grid::input_shape;
use crate::memory::Need;
use crate::records::{self, MetricsRow, RowWriter, RunFile, SharpnessRow};

/// A network on its way.
pub(super) struct Training<'a> {
    pub(super) cell: &'a CellConfig,
    pub(super) directory: &'a Path,
    network: Sequence,
    pub(super) objective: Counted<FullBatch>,
    test: FullBatch,
    method: Box<dyn Method<Counted<FullBatch>>>,
    pub(super) point: Tensor<1>,
    /// The last measurement, to start the next one from.
    pub(super) sharpness: Option<Sharpness>,
    metrics: RowWriter,
    sharpness_rows: RowWriter,
    pub(super) file: RunFile,
}

/// A step that was computed but not yet made.
pub(super) struct Computed {
    pub(super) next: Tensor<1>,
    pub(super) step: Step,
    /// Losses evaluated for it.
    function_evaluations: u64,
}

/// How the network does.
pub(super) struct Accuracy {
    pub(super) train: Evaluation,
    pub(super) test: Evaluation,
}

impl<'a> Training<'a> {
    /// The network at its start, with its training samples, over all of which the objective is the mean loss.
    pub(super) fn prepare(
        cell: &'a CellConfig,
        directory: &'a Path,
        data: &Loaded,
        device: &FoundDevice,
        need: &Need,
        mut file: RunFile,
    ) -> Result<(Self, Vec<Batch>)> {
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
        let upload = |samples: &Samples| {
            let chunk = cell.upload_chunk();
            batches::upload(samples, cell.dataset, chunk, &device.device, cell.dtype)
        };
        let mean = |chunks| FullBatch::new(network.clone(), cell.loss, chunks);
        let train = super::training_samples(cell, data)?;
        let test = data.test.select(Selection::All)?;
        let counts = &mut file.provenance;
        counts.parameters = Some(point.dims()[0] as u64);
        counts.train_samples = Some(train.labels.len() as u64);
        counts.test_samples = Some(test.labels.len() as u64);
        let chunks = upload(&train);
        let training = Self {
            cell,
            directory,
            objective: Counted::new(
                need.grant_run(mean(chunks.clone()).with_dropout(cell.seed), cell),
            ),
            test: need.grant(mean(upload(&test))),
            network,
            method: cell.method.build()?,
            point,
            sharpness: None,
            metrics: RowWriter::create(directory.join(records::METRICS))?,
            sharpness_rows: RowWriter::create(directory.join(records::SHARPNESS))?,
            file,
        };
        Ok((training, chunks))
    }

    /// Computes the step from the current point.
    pub(super) fn compute(&mut self) -> Computed {
        let evaluated = self.objective.evaluations().functions();
        let start = Instant::now();
        let (next, step) = self.method.step(&mut self.objective, self.point.clone());
        self.file.totals.training_seconds += start.elapsed().as_secs_f64();
        Computed {
            next,
            step,
            function_evaluations: self.objective.evaluations().functions() - evaluated,
        }
    }

    /// Goes to the next point.
    pub(super) fn advance(&mut self, next: Tensor<1>) {
        self.point = next;
        self.objective.inner_mut().commit_step();
        self.file.totals.iterations += 1;
    }

    /// Measures the sharpness of the objective at the current point. A Hessian that is not finite is no measurement: the
    /// step that follows says whether the run has diverged. The step in the row is [recorded](Self::record) later.
    pub(super) fn measure_sharpness(&mut self) -> Option<SharpnessRow> {
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

    /// How the network does on the samples of the objective.
    pub(super) fn evaluate(&mut self) -> Evaluation {
        let start = Instant::now();
        let found = self.objective.inner_mut().evaluate(&self.point, None);
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        found
    }

    /// How the network does on the test samples.
    pub(super) fn evaluate_test(&mut self) -> Evaluation {
        let start = Instant::now();
        let running = self.objective.inner_mut().running_statistics();
        let found = self.test.evaluate(&self.point, running);
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        found
    }

    /// Writes the row of an iteration, and that of the measurement before it.
    pub(super) fn record(
        &mut self,
        iteration: u64,
        computed: &Computed,
        sharpness: Option<SharpnessRow>,
        accuracy: Option<Accuracy>,
    ) -> Result<()> {
        let step = &computed.step;
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
            function_evaluations: computed.function_evaluations,
            gradient_norm: step.gradient_norm,
            reference_value: step.reference_value,
            average_loss: step.average_loss,
            train_accuracy: accuracy.as_ref().map(|a| a.train.accuracy),
            test_loss: accuracy.as_ref().map(|a| a.test.loss),
            test_accuracy: accuracy.as_ref().map(|a| a.test.accuracy),
            seconds: self.file.totals.training_seconds,
        })
    }

    /// Writes what is known at the end, when the objective is the loss on all training samples.
    pub(super) fn finish(mut self) -> Result<RunFile> {
        let (train, test) = (self.evaluate(), self.evaluate_test());
        let evaluations = self.objective.evaluations();
        let totals = &mut self.file.totals;
        totals.function_evaluations = evaluations.functions();
        totals.gradient_evaluations = evaluations.gradients;
        totals.hessian_products += evaluations.products;
        totals.curvature_evaluations = evaluations.curvatures;
        totals.final_loss = finite(train.loss);
        totals.final_train_accuracy = Some(train.accuracy);
        totals.final_test_loss = finite(test.loss);
        totals.final_test_accuracy = Some(test.accuracy);
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

/// JSON knows no infinity and no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
