//! What full-batch and stochastic runs have in common: the network in training, and its records.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{DType, Tensor};
use flatland_config::{Init, RunConfig};
use flatland_data::{Samples, Selection};
use flatland_models::{
    Batch, Evaluation, FullBatch, Initializer, Sequence, load_weights, save_weights,
};
use flatland_optim::module::flatten;
use flatland_optim::{AnyMethod, Counted, Method, Step};
use flatland_records::disk::{sync, sync_folder};
use flatland_records::{MetricsRow, RunFile, SharpnessRow, TableWriter, files};
use flatland_sharpness::{Hessian, Sharpness, sharpness};
use tracing::warn;

use super::checkpointing::CheckpointKeeper;
use super::context::{RunContext, training_samples};
use crate::batches;
use crate::checkpoint::Checkpoint;
use crate::diagnostics::Diagnostics;
use crate::observer::{Progress, RunObserver};
use crate::stop::StopToken;

/// A network in training.
pub(super) struct Training<'a> {
    pub(super) config: &'a RunConfig,
    pub(super) directory: &'a Path,
    pub(super) network: Sequence,
    pub(super) objective: FullBatch,
    test: FullBatch,
    pub(super) method: AnyMethod,
    pub(super) point: Tensor<1>,
    /// The last measurement, to start the next one from.
    pub(super) sharpness: Option<Sharpness>,
    pub(super) diagnostics: Diagnostics,
    pub(super) tables: TableWriter,
    pub(super) file: RunFile,
    /// Once it is raised, every evaluation returns NaN.
    pub(super) stop: &'a StopToken,
    observer: RunObserver<'a>,
    pub(super) keeper: CheckpointKeeper<'a>,
    /// Iterations in an epoch of a stochastic run.
    pub(super) per_epoch: u64,
    /// The state before the current iteration.
    pub(super) before: Option<Checkpoint>,
}

/// A step that was computed but not yet taken.
pub(super) struct Computed {
    pub(super) next: Tensor<1>,
    pub(super) step: Step,
    /// Losses evaluated for it.
    function_evaluations: u64,
}

/// The loss and the accuracy on both sets.
pub(super) struct Accuracies {
    pub(super) train: Evaluation,
    pub(super) test: Evaluation,
}

impl<'a> Training<'a> {
    /// The network at its start, with its training samples, over all of which the objective is the mean loss.
    pub(super) fn prepare(
        config: &'a RunConfig,
        directory: &'a Path,
        context: &RunContext<'a>,
        keeper: CheckpointKeeper<'a>,
        mut file: RunFile,
    ) -> Result<(Self, Vec<Batch>)> {
        let RunContext {
            data, device, need, ..
        } = *context;
        let dtype = DType::from(config.dtype);
        let shape = config.input_shape();
        let classes = config.dataset.classes();
        let mut without_values = Initializer::without_values(&device.device, dtype);
        let mut network = config.network.init(shape, classes, &mut without_values)?;
        let point = match &config.init {
            Init::Pytorch => {
                let mut initializer = Initializer::new(config.seed, &device.device, dtype);
                flatten(&config.network.init(shape, classes, &mut initializer)?)
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
            let chunk = config.upload_chunk();
            batches::upload(samples, config.dataset, chunk, &device.device, config.dtype)
        };
        let mean = |chunks| FullBatch::new(network.clone(), config.loss, chunks);
        let train = training_samples(config, data)?;
        let test = data.test.select(Selection::All)?;
        let counts = &mut file.provenance;
        counts.parameters = Some(point.dims()[0] as u64);
        counts.train_samples = Some(train.labels.len() as u64);
        counts.test_samples = Some(test.labels.len() as u64);
        let chunks = upload(&train);
        let training = Self {
            config,
            directory,
            objective: need.limit_run(mean(chunks.clone()).with_dropout(config.seed), config),
            test: need.limit(mean(upload(&test))),
            network,
            method: config.method.build()?,
            point,
            sharpness: None,
            diagnostics: Diagnostics::new(config),
            tables: TableWriter::new(directory),
            file,
            stop: context.stop,
            observer: context.observer,
            keeper,
            per_epoch: (config.mini_batches)
                .map_or(1, |batches| batches.per_epoch(train.labels.len())),
            before: None,
        };
        Ok((training, chunks))
    }

    /// Begins the files of rows that are not resumed.
    pub(super) fn start_tables(&mut self) -> Result<()> {
        self.tables.start::<MetricsRow>(files::METRICS)?;
        self.tables.start::<SharpnessRow>(files::SHARPNESS)?;
        let dimension = self.point.dims()[0];
        self.diagnostics.start(&mut self.tables, dimension)
    }

    /// Whether the run was asked to stop. What was computed since [`begin`](Self::begin) is invalid then.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// Reports how far the run is after `iteration`, in `epoch` (from 0) of a stochastic run.
    pub(super) fn report(&self, iteration: u64, step: &Step, epoch: Option<u64>) {
        self.observer.progress(&Progress {
            done: iteration + 1,
            loss: step.loss,
            step_size: step.step_size,
            sharpness: self.sharpness.as_ref().map(|last| last.lambda_max),
            epoch,
        });
    }

    /// Computes the step from the current point.
    pub(super) fn compute(&mut self) -> Computed {
        let start = Instant::now();
        let mut objective = Counted::new(self.objective.interruptible(self.stop.flag()));
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

    /// Takes the step.
    pub(super) fn advance(&mut self, next: Tensor<1>) {
        self.point = next;
        self.objective.commit_step();
        self.file.totals.iterations += 1;
    }

    /// Measures the sharpness of the objective at the current point. A Hessian that is not finite is no measurement:
    /// the step that follows says whether the run has diverged. The step in the row is [recorded](Self::record) later.
    pub(super) fn measure_sharpness(&mut self) -> Option<SharpnessRow> {
        let start = Instant::now();
        let mut objective = self.objective.interruptible(self.stop.flag());
        let mut hessian = Hessian::new(&mut objective, &self.point);
        let options =
            (self.config.measurement.lanczos()).with_basis_size(self.config.lanczos_basis);
        let measured = sharpness(&mut hessian, &options, self.sharpness.take());
        drop(hessian);
        let seconds = start.elapsed().as_secs_f64();
        self.file.totals.measuring_seconds += seconds;
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => {
                if !self.is_stopped() {
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

    /// The loss and the accuracy on the samples of the objective.
    pub(super) fn evaluate(&mut self) -> Evaluation {
        let start = Instant::now();
        let found = self
            .objective
            .interruptible(self.stop.flag())
            .evaluate(&self.point, None);
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        found
    }

    /// The loss and the accuracy on the test samples.
    pub(super) fn evaluate_test(&mut self) -> Evaluation {
        let start = Instant::now();
        let running = self.objective.running_statistics();
        let found = self
            .test
            .interruptible(self.stop.flag())
            .evaluate(&self.point, running);
        self.file.totals.measuring_seconds += start.elapsed().as_secs_f64();
        found
    }

    /// Writes the row of an iteration, and that of the measurement before it.
    pub(super) fn record(
        &mut self,
        iteration: u64,
        computed: &Computed,
        sharpness: Option<SharpnessRow>,
        accuracy: Option<Accuracies>,
    ) -> Result<()> {
        let step = &computed.step;
        if let Some(row) = sharpness {
            let row = SharpnessRow {
                iteration,
                step_size: step.step_size,
                step_size_times_sharpness: step.step_size * row.sharpness,
                edge: self.config.method.edge(step),
                ..row
            };
            self.tables.write(files::SHARPNESS, &row)?;
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
        self.tables.write(files::METRICS, &row)
    }

    /// Writes what is known at the end, when the objective is the loss on all training samples; the checkpoint that is
    /// left is of the state before the last iteration. If the run is to stop meanwhile, [stops](Self::stop).
    pub(super) fn finish(mut self) -> Result<RunFile> {
        let (train, test) = (self.evaluate(), self.evaluate_test());
        if self.is_stopped() {
            return self.stop();
        }
        let totals = &mut self.file.totals;
        totals.final_loss = finite(train.loss);
        totals.final_train_accuracy = Some(train.accuracy);
        totals.final_test_loss = finite(test.loss);
        totals.final_test_accuracy = Some(test.accuracy);
        self.file.ended = Some(jiff::Timestamp::now());
        let weights = self.directory.join(files::WEIGHTS);
        let running = self.objective.running_statistics();
        save_weights(&weights, &self.network, &self.point, running)?;
        sync(&weights)?;
        // Its name, too, before the run is recorded as done.
        sync_folder(self.directory)
            .with_context(|| format!("cannot write {}", weights.display()))?;
        self.tables.sync()?;
        if let Some(before) = &self.before {
            self.keeper.save(before)?;
        }
        // Before the run is recorded as done: nobody tidies up a finished run.
        self.keeper.close()?;
        self.file.write(self.directory)?;
        Ok(self.file)
    }
}

/// JSON has no infinity and no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
