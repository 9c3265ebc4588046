//! Running a method on the tanh MLP, next to a recorded run.

use burn::tensor::{DType, Tensor};
use flatland_models::{FullBatch, Loss};
use flatland_optim::{
    Counted, Curvature, Evaluations, InitialTrial, LineSearchConfig, Method, Objective, Polyak,
    Step,
};
use serde_json::Value;

use super::digits;

pub type Rule = Box<dyn Method<Counted<Spy>>>;

/// Notes the loss of every trial.
pub struct Spy {
    objective: FullBatch,
    trials: Vec<f64>,
}

impl Objective for Spy {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let loss = self.objective.loss(point);
        self.trials.push(loss);
        loss
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        self.objective.loss_and_gradient(point)
    }
}

impl Curvature for Spy {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.objective.hvp(point, direction)
    }
}

/// One iteration: its record, the losses of its trials, and the evaluations that were counted.
pub struct Iteration {
    pub step: Step,
    pub trials: Vec<f64>,
    pub evaluations: Evaluations,
}

pub fn run(mut rule: Rule, dtype: DType, iterations: usize) -> Vec<Iteration> {
    let (_, objective, mut point) = digits(dtype, Loss::Mse, 500);
    let spy = Spy {
        objective,
        trials: Vec::new(),
    };
    let mut objective = Counted::new(spy);
    (0..iterations)
        .map(|_| {
            let before = objective.evaluations();
            let (next, step) = rule.step(&mut objective, point.clone());
            point = next;
            let after = objective.evaluations();
            Iteration {
                step,
                trials: std::mem::take(&mut objective.inner_mut().trials),
                evaluations: Evaluations {
                    losses: after.losses - before.losses,
                    gradients: after.gradients - before.gradients,
                    products: after.products - before.products,
                    curvatures: after.curvatures - before.curvatures,
                },
            }
        })
        .collect()
}

/// A search of the independent implementation from Polyak's step size, which has neither the guard nor the clipping.
pub fn unguarded_ponls(polyak: Polyak) -> LineSearchConfig {
    let polyak = Polyak {
        guard: 0.0,
        ..polyak
    };
    LineSearchConfig {
        initial_trial: InitialTrial::Polyak(polyak),
        min_step_size: 1e-300,
        max_step_size: 1e300,
        ..LineSearchConfig::ponls()
    }
}

pub fn near(found: f64, expected: &Value, tolerance: f64) -> bool {
    (found / expected.as_f64().unwrap() - 1.0).abs() <= tolerance
}

/// How far two correct programs may part at iteration `k`: the case says how a change of the weights by 1e-14 grows.
pub fn tolerance(case: &Value, k: usize) -> f64 {
    let drift = case["sensitivity"]["loss_relative_change"][k]
        .as_f64()
        .unwrap();
    100.0 * drift.max(1e-13)
}

/// Compares loss, gradient norm and step size of an iteration with a record of the authors' classes.
pub fn check_official_step(step: &Step, expected: &Value, tolerance: f64, at: &str) {
    assert!(near(step.loss, &expected["loss"], tolerance), "loss; {at}");
    assert!(
        near(step.gradient_norm, &expected["gn"], 10.0 * tolerance),
        "gradient; {at}"
    );
    assert!(
        near(step.step_size, &expected["eta"], 100.0 * tolerance),
        "step size; {at}"
    );
}
