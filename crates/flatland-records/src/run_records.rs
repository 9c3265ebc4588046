//! A run read back from its directory.
//!
//! Anybody may have written records. The reader refuses a configuration that no grid allows, and numbers may have any
//! size. A run without an iteration is read too; it has no numbers. `η·λ₁` comes from `SharpnessRow::product`, which is
//! `None` where no step was taken.

use std::path::{Path, PathBuf};

use anyhow::Result;
use flatland_config::RunConfig;

use crate::config_file::read_config;
use crate::files;
use crate::row_reader::read_rows;
use crate::rows::{
    DiagnosticsRow, EpochRow, GradientNormRow, LargeStepRow, MetricsRow, SegmentRow, SharpnessRow,
};
use crate::run_file::RunFile;

/// A run as its directory holds it.
#[derive(Debug, Clone)]
pub struct RunRecords {
    /// The directory.
    pub directory: PathBuf,
    /// The configuration.
    pub config: RunConfig,
    /// `run.json`
    pub file: RunFile,
    /// The rows of `metrics.csv`.
    pub metrics: Vec<MetricsRow>,
    /// The rows of `sharpness.csv`.
    pub sharpness: Vec<SharpnessRow>,
    /// The rows of `epochs.csv`, of a stochastic run.
    pub epochs: Vec<EpochRow>,
    /// The rows of `diagnostics.csv`, if the grid asked for them.
    pub diagnostics: Vec<DiagnosticsRow>,
    /// The rows of `gradient_norms.csv`, if the grid asked for diagnostics.
    pub gradient_norms: Vec<GradientNormRow>,
    /// The rows of `segment.csv`, if the grid asked for them.
    pub segment: Vec<SegmentRow>,
    /// The rows of `large_steps.csv`, if the grid asked for segments.
    pub large_steps: Vec<LargeStepRow>,
}

impl RunRecords {
    /// A run of which no row was recorded, for tests and for runs that have just begun.
    pub fn without_rows(directory: PathBuf, config: RunConfig, file: RunFile) -> Self {
        Self {
            directory,
            config,
            file,
            metrics: Vec::new(),
            sharpness: Vec::new(),
            epochs: Vec::new(),
            diagnostics: Vec::new(),
            gradient_norms: Vec::new(),
            segment: Vec::new(),
            large_steps: Vec::new(),
        }
    }

    /// Reads the directory of a run. `None` if no run was started there.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or is not what a run writes.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let Some(file) = RunFile::read(directory)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            directory: directory.to_owned(),
            config: read_config(directory)?,
            file,
            metrics: read_rows(&directory.join(files::METRICS))?,
            sharpness: read_rows(&directory.join(files::SHARPNESS))?,
            epochs: read_rows(&directory.join(files::EPOCHS))?,
            diagnostics: DiagnosticsRow::read(&directory.join(files::DIAGNOSTICS))?,
            gradient_norms: read_rows(&directory.join(files::GRADIENT_NORMS))?,
            segment: read_rows(&directory.join(files::SEGMENT))?,
            large_steps: read_rows(&directory.join(files::LARGE_STEPS))?,
        }))
    }

    /// Whether an iteration was made.
    pub fn has_begun(&self) -> bool {
        !self.metrics.is_empty()
    }

    /// Steps taken. For a run under way, those recorded so far.
    pub fn iterations(&self) -> u64 {
        match self.file.ended {
            Some(_) => self.file.totals.iterations,
            None => self.metrics.len() as u64,
        }
    }

    /// The training loss after the last step, if it is finite. For a run under way, the last that is known.
    pub fn last_loss(&self) -> Option<f64> {
        let known = || self.losses().last().copied();
        (self.file.totals.final_loss).or_else(|| known().filter(|_| self.file.ended.is_none()))
    }

    /// Iterations in an epoch of a stochastic run.
    pub fn per_epoch(&self) -> Option<u64> {
        let batches = self.config.mini_batches?;
        let samples = self.file.provenance.train_samples;
        let samples = samples.map_or(self.config.samples, |samples| samples as usize);
        // A run by another program may have no samples; any number does.
        Some(batches.per_epoch(samples).max(1))
    }

    /// The measurements at iterations that took a step. A run that converged or stalled was also measured at its last
    /// point, where there is no `η` to judge.
    pub fn measured_steps(&self) -> impl Iterator<Item = &SharpnessRow> {
        (self.sharpness.iter()).filter(|row| row.product().is_some())
    }

    /// `η·λ₁` of the measured steps.
    pub fn products(&self) -> Vec<f64> {
        (self.sharpness.iter())
            .filter_map(SharpnessRow::product)
            .collect()
    }

    /// The share of measured steps with `η·λ₁` above `bound`.
    pub fn share_above(&self, bound: f64) -> Option<f64> {
        share(self.products().into_iter().map(|product| product > bound))
    }

    /// The training losses, one before every iteration. For a stochastic run, the full losses at the start and after
    /// every epoch.
    pub fn losses(&self) -> Vec<f64> {
        match self.config.mini_batches {
            None => self.metrics.iter().map(|row| row.loss).collect(),
            Some(_) => self.epochs.iter().map(|row| row.loss).collect(),
        }
    }

    /// The share of iterations, or epochs, after which the loss had risen.
    pub fn share_risen(&self) -> Option<f64> {
        share(self.losses().windows(2).map(|pair| pair[1] > pair[0]))
    }

    /// The mean of `η·λ₁` over the measured steps.
    pub fn mean_at_edge(&self) -> Option<f64> {
        let products = self.products();
        (!products.is_empty()).then(|| products.iter().sum::<f64>() / products.len() as f64)
    }

    /// The least training loss, including the loss after the last step.
    pub fn least_loss(&self) -> Option<f64> {
        let losses = self.losses().into_iter().chain(self.file.totals.final_loss);
        losses.filter(|loss| loss.is_finite()).reduce(f64::min)
    }

    /// The mean size of the steps taken.
    pub fn mean_step_size(&self) -> Option<f64> {
        let sizes = self.metrics.iter().map(|row| row.step_size);
        let sizes: Vec<f64> = sizes.filter(|&size| size > 0.0).collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum::<f64>() / sizes.len() as f64)
    }

    /// The last sharpness. For a stochastic run, the mean over the mini-batches.
    pub fn final_sharpness(&self) -> Option<f64> {
        match self.config.mini_batches {
            None => self.sharpness.last().map(|row| row.sharpness),
            Some(_) => (self.epochs.iter().rev()).find_map(|row| row.sharpness_mean),
        }
    }

    /// The least sharpness measured. For a stochastic run, that of any mini-batch.
    pub fn least_sharpness(&self) -> Option<f64> {
        let of_steps = self.sharpness.iter().map(|row| row.sharpness);
        let of_epochs = self.epochs.iter().filter_map(|row| row.sharpness_min);
        of_steps.chain(of_epochs).reduce(f64::min)
    }
}

fn share(cases: impl ExactSizeIterator<Item = bool>) -> Option<f64> {
    let count = cases.len();
    (count > 0).then(|| cases.filter(|&case| case).count() as f64 / count as f64)
}
