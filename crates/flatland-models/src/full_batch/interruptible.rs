//! An objective that can be given up.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, Products};

use super::{Evaluation, FullBatch};
use crate::{Layout, RunningStatistics};

/// A [`FullBatch`] as long as a flag is not raised; from then on every number that it gives is `NaN`, and costs nothing.
///
/// An evaluation under way ends after the chunks that are in the network at that moment. Searches and eigensolvers end
/// by themselves on such numbers, at once. Whoever raised the flag throws away what they return: it says nothing of the
/// objective. Running statistics see nothing of it.
#[derive(Debug)]
pub struct Unless<'a> {
    objective: &'a mut FullBatch,
    flag: &'a AtomicBool,
}

impl<'a> Unless<'a> {
    pub(super) fn new(objective: &'a mut FullBatch, flag: &'a AtomicBool) -> Self {
        Self { objective, flag }
    }

    /// Whether the flag is raised.
    pub fn is_given_up(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// Where each parameter lies in a point.
    pub fn layout(&self) -> &Layout {
        self.objective.layout()
    }

    /// As [`FullBatch::evaluate`].
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        let found = self.objective.evaluator(Some(self.flag));
        (found.evaluate(point, running)).unwrap_or(Evaluation {
            loss: f64::NAN,
            accuracy: f64::NAN,
        })
    }

    /// As [`FullBatch::small_activations`]; no layer at all once the flag is raised.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        let evaluator = self.objective.evaluator(Some(self.flag));
        evaluator
            .small_activations(point, threshold)
            .unwrap_or_default()
    }
}

/// A vector like `point` of which no entry is a number.
fn nothing(point: &Tensor<1>) -> Tensor<1> {
    point.full_like(f64::NAN)
}

impl Objective for Unless<'_> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let loss = self.objective.loss_unless(point, Some(self.flag));
        loss.unwrap_or(f64::NAN)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let found = (self.objective).loss_and_gradient_unless(point, Some(self.flag));
        found.unwrap_or_else(|| (f64::NAN, nothing(point)))
    }
}

impl Curvature for Unless<'_> {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.objective.trials.forget();
        let product = self.objective.evaluator(Some(self.flag));
        (product.product(point, direction, &[])).unwrap_or_else(|| nothing(point))
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        self.objective.trials.forget();
        let evaluator = self.objective.evaluator(Some(self.flag));
        let kept = evaluator.linearized(point, self.objective.products_to_keep());
        Box::new(move |direction| {
            let product = (kept.as_ref()).and_then(|kept| evaluator.product(point, direction, kept));
            product.unwrap_or_else(|| nothing(point))
        })
    }
}
