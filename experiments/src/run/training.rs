//! What a full-batch run and a stochastic one have in common: the network on its way, and the records it leaves.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{DType, Tensor};
use flatland_data::{Samples, Selection};
use flatland_models::{
    Batch, Evaluation, FullBatch, Initializer, Sequence, load_weights, save_weights,
};
use flatland_optim::module::flatten;
use flatland_optim::{Counted, Method, Step};
use flatland_sharpness::{Hessian, LanczosConfig, Sharpness, sharpness};
use tracing::warn;

use super::Means;
use super::keeper::Keeper;
use crate::batches;
use crate::cell::{CellConfig, Init};
use crate::checkpoint::Checkpoint;
use crate::diagnostics::Diagnostics;
use crate::disk::sync_folder;
use crate::grid::input_shape;
use crate::method::RunningMethod;
use crate::records::{self, MetricsRow, RunFile, SharpnessRow, Tables};

/// A network on its way.
pub(super) struct Training<'a> {
    pub(super) cell: &'a CellConfig,
    pub(super) directory: &'a Path,
    pub(super) network: Sequence,
    pub(super) objective: FullBatch,
    test: FullBatch,
    pub(super) method: RunningMethod,
    pub(super) point: Tensor<1>,
    /// The last measurement, to start the next one from.
    pub(super) sharpness: Option<Sharpness>,
    pub(super) diagnostics: Diagnostics,
    pub(super) tables: Tables,
    pub(super) file: RunFile,
    /// Raised when the run is to stop; evaluations give nothing but `NaN` from then on.
    pub(super) flag: &'a AtomicBool,
    pub(super) keeper: Keeper<'a>,
    /// Iterations in an epoch of a stochastic run.
    pub(super) per_epoch: u64,
    /// The run before the iteration under way.
    pub(super) before: Option<Checkpoint>,
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
        means: &Means<'_>,
        keeper: Keeper<'a>,
        mut file: RunFile,
        flag: &'a AtomicBool,
    ) -> Result<(Self, Vec<Batch>)> {
        let Means {
            data, device, need, ..
        } = *means;
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
            objective: need.grant_run(mean(chunks.clone()).with_dropout(cell.seed), cell),
            test: need.grant(mean(upload(&test))),
            network,
            method: cell.method.build()?,
            point,
            sharpness: None,
            diagnostics: Diagnostics::new(cell),
            tables: Tables::new(directory),
            file,
            flag,
            keeper,
            per_epoch: (cell.mini_batches)
                .map_or(1, |batches| batches.per_epoch(train.labels.len())),
            before: None,
        };
        Ok((training, chunks))
    }

    /// Starts the files of rows that do not go on.
    pub(super) fn start_tables(&mut self) -> Result<()> {
        self.tables.start(records::METRICS, None)?;
        self.tables.start(records::SHARPNESS, None)?;
        let dimension = self.point.dims()[0];
        self.diagnostics.start(&mut self.tables, dimension)
    }

    /// Whether the run is to stop. What was computed since [`begin`](Self::begin) is worth nothing then.
    pub(super) fn is_given_up(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Computes the step from the current point.
    pub(super) fn compute(&mut self) -> Computed {
        let start = Instant::now();
        let mut objective = Counted::new(self.objective.unless(self.flag));
        let (next, step) = self.method.step(&mut objective, self.point.clone());
        let made = objective.evaluations();
        let totals = &mut self.file.totals;
        totals.training_seconds += start.elapsed().as_secs_f64();
        totals.function_evaluations += made.functions();
        totals.gradient_evaluations += made.gradients;
        totals.hessian_products += made.products;
        totals.curvature_evaluations += made.curvatures;
        Computed {
            next,
            step,
            function_evaluations: made.functions(),
        }
    }

    /// Goes to the next point.
    pub(super) fn advance(&mut self, next: Tensor<1>) {
        self.point = next;
        self.objective.commit_step();
        self.file.totals.iterations += 1;
    }

    /// Measures the sharpness of the objective at the current point. A Hessian that is not finite is no measurement: the
    /// step that follows says whether the run has diverged. The step in the row is [recorded](Self::record) later.
    pub(super) fn measure_sharpness(&mut self) -> Option<SharpnessRow> {
        let start = Instant::now();
        let mut objective = self.objective.unless(self.flag);
        let mut hessian = Hessian::new(&mut objective, &self.point);
        let config = LanczosConfig::new().with_basis_size(self.cell.lanczos_basis);
        let measured = sharpness(&mut hessian, &config, self.sharpness.take());
        drop(hessian);
        let seconds = start.elapsed().as_secs_f64();
        self.file.totals.measuring_seconds += seconds;
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => {
                if !self.is_given_up() {
                    warn!("{}: no sharpness: {error}", self.directory.display());
                }
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
        let found = self.objective.unless(self.flag).evaluate(&self.point, None);
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        found
    }

    /// How the network does on the test samples.
    pub(super) fn evaluate_test(&mut self) -> Evaluation {
        let start = Instant::now();
        let running = self.objective.running_statistics();
        let found = self.test.unless(self.flag).evaluate(&self.point, running);
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
            let row = SharpnessRow {
                iteration,
                step_size: step.step_size,
                step_size_times_sharpness: step.step_size * row.sharpness,
                edge: self.cell.method.edge(step),
                ..row
            };
            self.tables.write(records::SHARPNESS, &row)?;
        }
        let row = MetricsRow {
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
        };
        self.tables.write(records::METRICS, &row)
    }

    /// Writes what is known at the end, when the objective is the loss on all training samples; the checkpoint that is
    /// left is of the state before the last iteration. If the run is to stop meanwhile, [stops](Self::stop).
    pub(super) fn finish(mut self) -> Result<RunFile> {
        let (train, test) = (self.evaluate(), self.evaluate_test());
        if self.is_given_up() {
            return self.stop();
        }
        let totals = &mut self.file.totals;
        totals.final_loss = finite(train.loss);
        totals.final_train_accuracy = Some(train.accuracy);
        totals.final_test_loss = finite(test.loss);
        totals.final_test_accuracy = Some(test.accuracy);
        self.file.ended = Some(jiff::Timestamp::now());
        let weights = self.directory.join(records::WEIGHTS);
        let running = self.objective.running_statistics();
        save_weights(&weights, &self.network, &self.point, running)?;
        records::sync(&weights)?;
        // Its name, too, before the run says that it is done.
        sync_folder(self.directory)
            .with_context(|| format!("cannot write {}", weights.display()))?;
        self.tables.sync()?;
        if let Some(before) = &self.before {
            self.keeper.save(before)?;
        }
        // Before the run says that it is done: nobody looks after a finished one any more.
        self.keeper.close()?;
        self.file.write(self.directory)?;
        Ok(self.file)
    }
}

/// JSON knows no infinity and no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
