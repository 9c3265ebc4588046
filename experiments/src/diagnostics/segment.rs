//! The smoothness along steps.

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_models::Unless;
use flatland_optim::{Curvature, Step};
use flatland_sharpness::{
    Error, LanczosConfig, SEGMENT_STEP_SIZES, SegmentPoint, segment_smoothness, smoothness_up_to,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::large_steps::{Judge, Waiting, smoothness_along};
use crate::records::{self, SegmentRow, Tables};

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
    objective: &mut impl Curvature,
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
    judge: Judge,
}

/// A step that was computed but not yet made, and where it starts.
pub struct At<'a> {
    pub point: &'a Tensor<1>,
    pub step: &'a Step,
    pub iteration: u64,
    pub is_last: bool,
}

impl Segment {
    /// Nothing measured yet.
    pub fn new(config: SegmentConfig) -> Self {
        Self {
            judge: Judge::new(config.window),
            config,
        }
    }

    /// The steps that wait for their verdict.
    pub fn waiting(&self) -> &[Waiting] {
        self.judge.waiting()
    }

    /// Goes on with these steps waiting for their verdict.
    pub fn go_on(&mut self, waiting: Vec<Waiting>) {
        self.judge.go_on(waiting);
    }

    /// Measures along the step what is due; the Hessian-vector products taken.
    pub fn measure(
        &mut self,
        at: &At<'_>,
        objective: &mut Unless<'_>,
        seed: u64,
        tables: &mut Tables,
    ) -> Result<usize> {
        let At {
            point, iteration, ..
        } = *at;
        let is_due = at.is_last || self.config.at.contains(&iteration);
        let step_size = at.step.step_size;
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
                if !objective.is_given_up() {
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
            tables.write(records::SEGMENT, &row)?;
        }
        if let Some(smoothness) = smoothness {
            (self.judge).see(iteration, (step_size, smoothness), is_due, tables)?;
        }
        Ok(products)
    }

    /// Ends the files, when the run is over.
    pub fn finish(&mut self, tables: &mut Tables) -> Result<()> {
        self.judge.close(tables)
    }
}
