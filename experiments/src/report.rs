//! Finished runs and their pictures.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cell::CellConfig;
use crate::figure::{Curves, EarlyFigure, Figure, SegmentFigure};
use crate::grid::loss_name;
use crate::method::MethodConfig;
use crate::records::{
    self, DiagnosticsRow, EpochRow, GradientNormRow, LargeStepRow, MetricsRow, RunFile, SegmentRow,
    SharpnessRow,
};
use crate::summary;

/// A run as its directory holds it.
#[derive(Debug, Clone)]
pub struct FinishedRun {
    pub directory: PathBuf,
    pub config: CellConfig,
    pub file: RunFile,
    pub metrics: Vec<MetricsRow>,
    pub sharpness: Vec<SharpnessRow>,
    /// Of a stochastic run.
    pub epochs: Vec<EpochRow>,
    /// Where the grid asked for diagnostics.
    pub diagnostics: Vec<DiagnosticsRow>,
    /// With the diagnostics.
    pub gradient_norms: Vec<GradientNormRow>,
    /// Where the grid asked for segments.
    pub segment: Vec<SegmentRow>,
    /// The verdicts of Definition 2.3, where the grid asked for segments.
    pub large_steps: Vec<LargeStepRow>,
}

impl FinishedRun {
    /// Reads a run's directory; nothing if no run was started there.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let Some(file) = RunFile::read(directory)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            directory: directory.to_owned(),
            config: CellConfig::read(directory)?,
            file,
            metrics: records::read_rows(&directory.join(records::METRICS))?,
            sharpness: records::read_rows(&directory.join(records::SHARPNESS))?,
            epochs: records::read_rows(&directory.join(records::EPOCHS))?,
            diagnostics: DiagnosticsRow::read(&directory.join(records::DIAGNOSTICS))?,
            gradient_norms: records::read_rows(&directory.join(records::GRADIENT_NORMS))?,
            segment: records::read_rows(&directory.join(records::SEGMENT))?,
            large_steps: records::read_rows(&directory.join(records::LARGE_STEPS))?,
        }))
    }

    /// Whether an iteration was made.
    pub fn has_begun(&self) -> bool {
        !self.metrics.is_empty()
    }

    /// Steps taken; of a run under way, those recorded so far.
    pub fn iterations(&self) -> u64 {
        match self.file.ended {
            Some(_) => self.file.totals.iterations,
            None => self.metrics.len() as u64,
        }
    }

    /// The training loss after the last step, where it is finite; of a run under way, the last that is known.
    pub fn last_loss(&self) -> Option<f64> {
        let known = || self.losses().last().copied();
        (self.file.totals.final_loss).or_else(|| known().filter(|_| self.file.ended.is_none()))
    }

    /// Iterations in an epoch, of a stochastic run.
    pub fn per_epoch(&self) -> Option<u64> {
        let batches = self.config.mini_batches?;
        let samples = self.file.provenance.train_samples;
        let samples = samples.map_or(self.config.samples, |samples| samples as usize);
        // Of a foreign run that tells of no sample, any number does.
        Some(batches.per_epoch(samples).max(1))
    }

    /// The measurements at iterations that took a step, of which alone `η` and its products can be judged: a run that
    /// converged or stalled was measured at its last point too, from which no step leads.
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

    /// The training losses: one before every iteration, of a stochastic run the full ones at the start and after every
    /// epoch.
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

    /// The least of the training losses, with that after the last step.
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

    /// The last sharpness; of a stochastic run, the mean over the mini-batches.
    pub fn final_sharpness(&self) -> Option<f64> {
        match self.config.mini_batches {
            None => self.sharpness.last().map(|row| row.sharpness),
            Some(_) => (self.epochs.iter().rev()).find_map(|row| row.sharpness_mean),
        }
    }

    /// The least sharpness measured; of a stochastic run, that of any mini-batch.
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

/// Draws one picture for each group of runs that differ in their method only, and beside it those of each run's
/// diagnostics and segments, where it has any; the pictures' paths.
pub fn pictures(runs: &[FinishedRun], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut groups: Vec<Vec<&FinishedRun>> = Vec::new();
    for run in runs {
        match groups
            .iter_mut()
            .find(|group| group[0].config.is_peer(&run.config))
        {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for group in groups {
        let CellConfig {
            dataset,
            network,
            loss,
            seed,
            ..
        } = &group[0].config;
        let stem = format!("{dataset}-{}-{}-{seed}", network.name(), loss_name(*loss));
        let path = unused(folder, &stem, &paths);
        let labels: Vec<String> = group.iter().map(|run| run.config.method.label()).collect();
        let title = format!(
            "{dataset} · {} · {}, seed {seed}",
            network.name(),
            loss_name(*loss)
        );
        Figure {
            title: &title,
            sharpness_floor: group[0].config.floor(),
            reaches: summary::reaches(group.iter().map(|run| &run.config.method)),
            curves: (group.iter().zip(&labels))
                .map(|(&run, label)| Curves {
                    label,
                    runs: vec![run.into()],
                    edge: edge_name(&run.config.method),
                })
                .collect(),
        }
        .draw(&path)?;
        paths.push(path);
        for (run, label) in group.iter().zip(&labels) {
            let title = format!("{title} · {label}");
            let stem = format!("{stem}-{}", run.config.method.name());
            if !run.diagnostics.is_empty() {
                let path = unused(folder, &format!("{stem}-early"), &paths);
                EarlyFigure {
                    title: &title,
                    floor: run.config.floor(),
                    rows: &run.diagnostics,
                }
                .draw(&path)?;
                paths.push(path);
            }
            if !run.segment.is_empty() {
                let path = unused(folder, &format!("{stem}-segment"), &paths);
                SegmentFigure {
                    title: &title,
                    rows: &run.segment,
                }
                .draw(&path)?;
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// A path for a picture, numbered where another network or method of the same name, with other options, has taken it.
fn unused(folder: &Path, stem: &str, taken: &[PathBuf]) -> PathBuf {
    let mut path = folder.join(format!("{stem}.svg"));
    let mut copy = 1;
    while taken.contains(&path) {
        copy += 1;
        path = folder.join(format!("{stem}-{copy}.svg"));
    }
    path
}

/// What the edge of a method is called that has one to draw: whose step size is fixed.
pub fn edge_name(method: &MethodConfig) -> Option<String> {
    method.step_size().map(|_| match method {
        MethodConfig::Sam(_) => format!("edge of {}", method.label()),
        _ => format!("2/η of {}", method.label()),
    })
}

#[cfg(test)]
impl FinishedRun {
    /// A run by nobody, of which no row was recorded.
    pub fn without_rows(
        config: CellConfig,
        status: crate::records::Status,
        final_loss: Option<f64>,
    ) -> Self {
        use crate::records::{Provenance, Totals};
        let provenance = Provenance {
            version: String::new(),
            git_commit: String::new(),
            device: String::new(),
            doctor: None,
            threads: 1,
            parameters: None,
            train_samples: None,
            test_samples: None,
            data: Vec::new(),
            initial_weights: None,
        };
        Self {
            directory: PathBuf::new(),
            config,
            file: RunFile {
                version: RunFile::VERSION,
                status,
                reason: None,
                owner: None,
                provenance,
                started: jiff::Timestamp::UNIX_EPOCH,
                ended: None,
                resumed: Vec::new(),
                totals: Totals {
                    final_loss,
                    ..Totals::default()
                },
            },
            metrics: Vec::new(),
            sharpness: Vec::new(),
            epochs: Vec::new(),
            diagnostics: Vec::new(),
            gradient_norms: Vec::new(),
            segment: Vec::new(),
            large_steps: Vec::new(),
        }
    }
}
