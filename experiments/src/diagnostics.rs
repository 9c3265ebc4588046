//! What is measured beside the sharpness: the spectrum and the gradient of the early phase, the smoothness of steps.

mod large_steps;
mod segment;

use std::time::Instant;

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_models::{GradientNorms, Unless};
use flatland_optim::{Objective, Outcome, Step, vector};
use flatland_sharpness::{
    EigenPairs, Error, Hessian, LanczosConfig, TraceConfig, TraceEstimate, Wanted, eigenpairs,
    pairing, trace,
};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::cell::CellConfig;
use crate::records::{self, DiagnosticsRow, GradientNormRow, Tables};
pub use large_steps::Waiting;
use segment::Segment;
pub use segment::{SegmentConfig, segment};

/// An activation of smaller magnitude is dead.
const DEAD: f64 = 1e-6;

/// More take more columns, and more vectors, than anybody has room for.
const MOST_EIGENVALUES: usize = 1000;

/// The early-phase diagnostics of a run; by default the paper's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosticsConfig {
    /// Iterations between two measurements.
    pub every: u64,
    /// The first iteration to measure at.
    pub from: u64,
    /// No measurement after this iteration.
    pub to: u64,
    /// How many eigenvalues of largest magnitude; more than the number of classes, or there are no pairs to judge.
    pub eigenvalues: usize,
}

impl Default for DiagnosticsConfig {
    fn default() -> Self {
        Self {
            every: 2,
            from: 0,
            to: 100,
            eigenvalues: 20,
        }
    }
}

impl DiagnosticsConfig {
    /// What is wrong with the options.
    pub fn problem(&self) -> Option<String> {
        if self.every == 0 || self.eigenvalues == 0 {
            return Some("every and eigenvalues are at least 1".to_owned());
        }
        if self.eigenvalues > MOST_EIGENVALUES {
            return Some(format!(
                "eigenvalues is at most {MOST_EIGENVALUES}, each with a vector of the network's size, but is {}",
                self.eigenvalues
            ));
        }
        (self.from > self.to).then(|| "from must not be above to".to_owned())
    }

    fn is_due(&self, iteration: u64) -> bool {
        (self.from..=self.to).contains(&iteration)
            && (iteration - self.from).is_multiple_of(self.every)
    }

    /// Whether no measurement follows the one at this iteration.
    fn is_over(&self, iteration: u64) -> bool {
        iteration.saturating_add(self.every) > self.to
    }
}

/// What a measurement of a point finds.
pub struct Measured {
    pub loss: f64,
    pub gradient_norm: f64,
    pub trace: TraceEstimate,
    pub pairs: EigenPairs,
    pub norms: GradientNorms,
    /// The share of dead activations in each layer.
    pub dead: Vec<f64>,
    /// The score of the eigenvalues after the first `K`.
    pub pairing: Option<f64>,
}

impl Measured {
    /// Measures at `point`: the trace, so many eigenvalues (or all of a smaller network), the gradient and the
    /// activations. The eigenvalues start from the `start` vectors.
    ///
    /// # Errors
    ///
    /// Where the Hessian is not finite.
    pub fn at(
        objective: &mut Unless<'_>,
        point: &Tensor<1>,
        eigenvalues: usize,
        classes: usize,
        seed: u64,
        start: &[Tensor<1>],
    ) -> Result<Self, Error> {
        let (loss, gradient) = objective.loss_and_gradient(point);
        let norms = GradientNorms::of(objective.layout(), &gradient);
        let dead = objective.small_activations(point, DEAD);
        let hessian = &mut Hessian::new(objective, point);
        let trace = trace(hessian, &TraceConfig::new().with_seed(seed))?;
        let wanted = Wanted::Magnitude(eigenvalues.min(point.dims()[0]));
        let config = LanczosConfig::new().with_seed(seed);
        let pairs = eigenpairs(hessian, wanted, &config, start)?;
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

/// The diagnostics of one run, as far as its cell asks for any.
pub struct Diagnostics {
    early: Option<DiagnosticsConfig>,
    segment: Option<Segment>,
    classes: usize,
    seed: u64,
    /// The last eigenvectors, to start the next measurement from.
    vectors: Vec<Tensor<1>>,
}

/// What measurements cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub products: usize,
    pub seconds: f64,
}

impl Diagnostics {
    /// Nothing measured yet.
    pub fn new(cell: &CellConfig) -> Self {
        Self {
            early: cell.diagnostics.clone(),
            segment: cell.segment.clone().map(Segment::new),
            classes: cell.dataset.classes(),
            seed: cell.seed,
            vectors: Vec::new(),
        }
    }

    /// Starts the files that the cell asks for, unless they go on. `dimension` is the number of parameters.
    pub fn start(&self, tables: &mut Tables, dimension: usize) -> Result<()> {
        if let Some(config) = &self.early {
            let header = DiagnosticsRow::header(config.eigenvalues.min(dimension));
            tables.start(records::DIAGNOSTICS, Some(&header))?;
            tables.start(records::GRADIENT_NORMS, None)?;
        }
        if self.segment.is_some() {
            for name in [records::SEGMENT, records::SMOOTHNESS, records::LARGE_STEPS] {
                tables.start(name, None)?;
            }
        }
        Ok(())
    }

    /// What the next measurements start from: eigenvectors, and steps that wait for their verdict.
    pub fn state(&self) -> (Vec<Tensor<1>>, Vec<Waiting>) {
        let waiting = self.segment.as_ref().map_or(&[][..], Segment::waiting);
        (self.vectors.clone(), waiting.to_vec())
    }

    /// Goes on from an earlier [`state`](Self::state).
    pub fn go_on(&mut self, vectors: Vec<Tensor<1>>, waiting: Vec<Waiting>) {
        self.vectors = vectors;
        if let Some(segment) = &mut self.segment {
            segment.go_on(waiting);
        }
    }

    /// Measures what is due at `w_k = point`, from which `step` was computed but not yet made. Where the run has
    /// diverged there is nothing to measure.
    pub fn measure(
        &mut self,
        iteration: u64,
        is_last: bool,
        objective: &mut Unless<'_>,
        point: &Tensor<1>,
        step: &Step,
        tables: &mut Tables,
    ) -> Result<Cost> {
        let mut cost = Cost::default();
        if matches!(step.outcome, Outcome::Diverged(_)) {
            return Ok(cost);
        }
        let start = Instant::now();
        if let Some(config) = &self.early
            && config.is_due(iteration)
        {
            let measured = Measured::at(
                objective,
                point,
                config.eigenvalues,
                self.classes,
                self.seed,
                &self.vectors,
            );
            match measured {
                Ok(measured) => {
                    cost.products += measured.products();
                    let row = row(iteration, &measured, start.elapsed().as_secs_f64());
                    tables.write(records::DIAGNOSTICS, &row)?;
                    let slots = objective.layout().slots().iter();
                    for (slot, &norm) in slots.zip(&measured.norms.tensors) {
                        let row = GradientNormRow {
                            iteration,
                            parameter: slot.name.clone(),
                            norm,
                        };
                        tables.write(records::GRADIENT_NORMS, &row)?;
                    }
                    self.vectors = match config.is_over(iteration) {
                        true => Vec::new(),
                        false => measured.pairs.vectors,
                    };
                }
                Err(_) if objective.is_given_up() => {}
                Err(error) => warn!("no diagnostics at iteration {iteration}: {error}"),
            }
        }
        if let Some(segment) = &mut self.segment {
            let at = segment::At {
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

    /// Ends the files, when the run is over.
    pub fn finish(&mut self, tables: &mut Tables) -> Result<()> {
        match &mut self.segment {
            Some(segment) => segment.finish(tables),
            None => Ok(()),
        }
    }
}

fn row(iteration: u64, measured: &Measured, seconds: f64) -> DiagnosticsRow {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_measurements_are_due_every_second_iteration_up_to_a_hundred() {
        let due = |config: &DiagnosticsConfig| -> Vec<u64> {
            (0..200).filter(|&k| config.is_due(k)).collect()
        };
        let paper = DiagnosticsConfig::default();
        assert_eq!(due(&paper), (0..=50).map(|i| 2 * i).collect::<Vec<_>>());
        let late = DiagnosticsConfig {
            every: 7,
            from: 5,
            to: 20,
            ..paper
        };
        assert_eq!(due(&late), [5, 12, 19]);
        assert_eq!([5, 12, 19].map(|k| late.is_over(k)), [false, false, true]);
    }
}
