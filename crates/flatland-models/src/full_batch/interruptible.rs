//! An objective that can be interrupted.
//!
//! A signal raises the flag. The evaluation in progress stops between two chunks, searches and eigensolvers stop on
//! `NaN`, and the runner discards their results.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, Products};

use super::{Evaluation, FullBatch};
use crate::{Layout, RunningStatistics};

/// A [`FullBatch`] that can be interrupted by a flag. Once the flag is raised, every result is `NaN` and is returned at
/// once.
///
/// An evaluation in progress finishes the chunks that have started. Searches and eigensolvers stop on `NaN`. Their
/// results after an interruption say nothing about the objective and must be discarded. Running statistics are not
/// affected.
#[derive(Debug)]
pub struct Interruptible<'a> {
    objective: &'a mut FullBatch,
    flag: &'a AtomicBool,
}

impl FullBatch {
    /// The same objective, until `flag` is raised.
    pub fn interruptible<'a>(&'a mut self, flag: &'a AtomicBool) -> Interruptible<'a> {
        Interruptible {
            objective: self,
            flag,
        }
    }
}

impl Interruptible<'_> {
    /// Whether the flag is raised.
    pub fn is_interrupted(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The positions of the parameters in a point.
    pub fn layout(&self) -> &Layout {
        self.objective.layout()
    }

    /// See [`FullBatch::evaluate`].
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        let evaluator = self.objective.evaluator(Some(self.flag));
        (evaluator.evaluate(point, running)).unwrap_or(Evaluation {
            loss: f64::NAN,
            accuracy: f64::NAN,
        })
    }

    /// See [`FullBatch::small_activations`]. Empty once the flag is raised.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        let evaluator = self.objective.evaluator(Some(self.flag));
        evaluator
            .small_activations(point, threshold)
            .unwrap_or_default()
    }
}

/// A vector like `point` whose entries are NaN.
fn nan_like(point: &Tensor<1>) -> Tensor<1> {
    point.full_like(f64::NAN)
}

impl Objective for Interruptible<'_> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let loss = self.objective.interruptible_loss(point, Some(self.flag));
        loss.unwrap_or(f64::NAN)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let found = (self.objective).interruptible_loss_and_gradient(point, Some(self.flag));
        found.unwrap_or_else(|| (f64::NAN, nan_like(point)))
    }
}

impl Curvature for Interruptible<'_> {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.objective.trials.clear();
        let evaluator = self.objective.evaluator(Some(self.flag));
        (evaluator.product(point, direction, &[])).unwrap_or_else(|| nan_like(point))
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        self.objective.trials.clear();
        let evaluator = self.objective.evaluator(Some(self.flag));
        let linearized = evaluator.linearized(point, self.objective.linearized_chunks());
        Box::new(move |direction| {
            let product = (linearized.as_ref())
                .and_then(|linearized| evaluator.product(point, direction, linearized));
            product.unwrap_or_else(|| nan_like(point))
        })
    }
}
