//! The smoothness along steps.

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_config::{MeasurementConfig, SegmentConfig};
use flatland_models::Interruptible;
use flatland_optim::{Curvature, Step};
use flatland_records::{SegmentRow, TableWriter, files};
use flatland_sharpness::{
    Error, SEGMENT_STEP_SIZES, SegmentPoint, segment_smoothness, smoothness_up_to,
};
use tracing::warn;

use super::large_steps::{LargeStepJudge, PendingStep, smoothness_along};

/// The smoothness along a step of size `step_size` (0 for none) from `point`: at the paper's step sizes and its own.
///
/// # Errors
///
/// The Hessian or a gradient is not finite.
pub fn segment(
    objective: &mut impl Curvature,
    point: &Tensor<1>,
    step_size: f64,
    seed: u64,
    measurement: &MeasurementConfig,
) -> Result<Vec<SegmentPoint>, Error> {
    let mut step_sizes = SEGMENT_STEP_SIZES.to_vec();
    if step_size > 0.0 && !step_sizes.contains(&step_size) {
        step_sizes.push(step_size);
    }
    let lanczos = measurement.lanczos().with_seed(seed);
    segment_smoothness(objective, point, &step_sizes, &lanczos)
}

/// The measurements along steps of one run.
pub(super) struct SegmentDiagnostics {
    config: SegmentConfig,
    measurement: MeasurementConfig,
    judge: LargeStepJudge,
}

/// A step that was computed but not yet taken, and the point where it starts.
pub(super) struct PendingPoint<'a> {
    pub point: &'a Tensor<1>,
    pub step: &'a Step,
    pub iteration: u64,
    pub is_last: bool,
}

impl SegmentDiagnostics {
    /// The measurements of a run of which nothing is measured yet.
    pub fn new(config: SegmentConfig, measurement: MeasurementConfig) -> Self {
        Self {
            judge: LargeStepJudge::new(config.window),
            measurement,
            config,
        }
    }

    /// The steps whose verdict is open.
    pub fn pending(&self) -> &[PendingStep] {
        self.judge.pending()
    }

    /// Restores the steps whose verdict was open.
    pub fn resume(&mut self, pending: Vec<PendingStep>) {
        self.judge.resume(pending);
    }

    /// Measures along the step what is due. Returns the Hessian-vector products taken.
    pub fn measure(
        &mut self,
        at: &PendingPoint<'_>,
        objective: &mut Interruptible<'_>,
        seed: u64,
        tables: &mut TableWriter,
    ) -> Result<usize> {
        let PendingPoint {
            point, iteration, ..
        } = *at;
        let is_due = at.is_last || self.config.at.contains(&iteration);
        let step_size = at.step.step_size;
        let mut products = 0;
        let smoothness = if is_due {
            segment(objective, point, step_size, seed, &self.measurement).map(|points| {
                products = points.iter().map(|at| at.products).sum();
                let smoothness = smoothness_up_to(&points, step_size);
                (points, smoothness)
            })
        } else if self.judge.has_pending() && step_size > 0.0 {
            smoothness_along(objective, point, step_size).map(|l| (Vec::new(), Some(l)))
        } else {
            return Ok(0);
        };
        let (points, smoothness) = match smoothness {
            Ok(measured) => measured,
            Err(error) => {
                if !objective.is_interrupted() {
                    warn!("no segment at iteration {iteration}: {error}");
                }
                return Ok(0);
            }
        };
        for at in points {
            let row = SegmentRow {
                iteration,
                step_size,
                t: at.step_size,
                gradient_change: at.gradient_change,
                curvature: at.curvature,
                hessian_norm: at.hessian_norm,
                sharpness: at.sharpness,
            };
            tables.write(files::SEGMENT, &row)?;
        }
        if let Some(smoothness) = smoothness {
            (self.judge).see(iteration, (step_size, smoothness), is_due, tables)?;
        }
        Ok(products)
    }

    /// Writes the verdicts that are still open, when the run is over.
    pub fn finish(&mut self, tables: &mut TableWriter) -> Result<()> {
        self.judge.close(tables)
    }
}
