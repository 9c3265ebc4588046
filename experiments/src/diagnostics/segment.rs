//! The smoothness along steps.

use std::path::Path;

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_models::FullBatch;
use flatland_optim::Step;
use flatland_sharpness::{
    Error, LanczosConfig, SEGMENT_STEP_SIZES, SegmentPoint, segment_smoothness, smoothness_up_to,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::large_steps::{Judge, smoothness_along};
use crate::records::{self, RowWriter, SegmentRow};

/// Where the smoothness along the step is measured, and the step judged by Definition 2.3: at these iterations, as far as
/// the run reaches them, and at its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentConfig {
    /// The iterations.
    pub at: Vec<u64>,
    /// `P` of the definition: how many of the steps that follow may be the one that crosses `2/l`. Until one does, their
    /// smoothness is measured too, by a few gradients each. The paper leaves `P` open.
    #[serde(default = "default_window")]
    pub window: u64,
}

fn default_window() -> u64 {
    10
}

/// The smoothness along a step of size `step_size` (0 for none) from `point`: at the paper's step sizes and its own.
pub fn segment(
    objective: &mut FullBatch,
    point: &Tensor<1>,
    step_size: f64,
    seed: u64,
) -> Result<Vec<SegmentPoint>, Error> {
    let mut step_sizes = SEGMENT_STEP_SIZES.to_vec();
    if step_size > 0.0 && !step_sizes.contains(&step_size) {
        step_sizes.push(step_size);
    }
    let config = LanczosConfig::new().with_seed(seed);
    segment_smoothness(objective, point, &step_sizes, &config)
}

/// The measurements along steps of one run.
pub struct Segment {
    config: SegmentConfig,
    rows: RowWriter,
    judge: Judge,
}

impl Segment {
    /// Starts the files.
    pub fn create(config: SegmentConfig, directory: &Path) -> Result<Self> {
        Ok(Self {
            rows: RowWriter::create(directory.join(records::SEGMENT))?,
            judge: Judge::create(directory, config.window)?,
            config,
        })
    }

    /// Measures along the step what is due at `w_k = point`; the Hessian-vector products taken.
    pub fn measure(
        &mut self,
        iteration: u64,
        is_last: bool,
        objective: &mut FullBatch,
        point: &Tensor<1>,
        step: &Step,
        seed: u64,
    ) -> Result<usize> {
        let is_due = is_last || self.config.at.contains(&iteration);
        let step_size = step.step_size;
        let mut products = 0;
        let smoothness = if is_due {
            segment(objective, point, step_size, seed).map(|points| {
                products = points.iter().map(|at| at.products).sum();
                let smoothness = smoothness_up_to(&points, step_size);
                (points, smoothness)
            })
        } else if self.judge.is_waiting() && step_size > 0.0 {
            smoothness_along(objective, point, step_size).map(|l| (Vec::new(), Some(l)))
        } else {
            return Ok(0);
        };
        let (points, smoothness) = match smoothness {
            Ok(measured) => measured,
            Err(error) => {
                warn!("no segment at iteration {iteration}: {error}");
                return Ok(0);
            }
        };
        for at in points {
            self.rows.write(&SegmentRow {
                iteration,
                step_size,
                t: at.step_size,
                gradient_change: at.gradient_change,
                curvature: at.curvature,
                hessian_norm: at.hessian_norm,
                sharpness: at.sharpness,
            })?;
        }
        if let Some(smoothness) = smoothness {
            self.judge.see(iteration, step_size, smoothness, is_due)?;
        }
        Ok(products)
    }

    /// Ends the files, when the run is over.
    pub fn finish(&mut self) -> Result<()> {
        self.judge.close()
    }
}
