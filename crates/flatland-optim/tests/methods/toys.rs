//! Functions with known answers, and a run of a search on one.

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_optim::{Counted, Curvature, LineSearchConfig, Method, Objective, Outcome, Step};

/// A function on the host that notes where it was evaluated without a gradient.
pub(crate) struct Function<F, G> {
    dimension: usize,
    pub(crate) loss: F,
    pub(crate) gradient: G,
    pub(crate) trials: Vec<Vec<f64>>,
}

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64]) -> Vec<f64>> Function<F, G> {
    fn new(dimension: usize, loss: F, gradient: G) -> Self {
        Self {
            dimension,
            loss,
            gradient,
            trials: Vec::new(),
        }
    }
}

pub(crate) fn host(point: &Tensor<1>) -> Vec<f64> {
    point.to_data().iter::<f64>().collect()
}

pub(crate) fn vector(entries: &[f64]) -> Tensor<1> {
    Tensor::from_data(TensorData::from(entries), (&Device::flex(), DType::F64))
}

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64]) -> Vec<f64>> Objective for Function<F, G> {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let point = host(point);
        let loss = (self.loss)(&point);
        self.trials.push(point);
        loss
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let point = host(point);
        ((self.loss)(&point), vector(&(self.gradient)(&point)))
    }
}

pub(crate) type Toy = Function<Box<dyn Fn(&[f64]) -> f64>, Box<dyn Fn(&[f64]) -> Vec<f64>>>;

pub(crate) fn toy(
    dimension: usize,
    loss: impl Fn(&[f64]) -> f64 + 'static,
    gradient: impl Fn(&[f64]) -> Vec<f64> + 'static,
) -> Toy {
    Function::new(dimension, Box::new(loss), Box::new(gradient))
}

/// `½ Σ λᵢwᵢ² + offset`
pub(crate) fn quadratic(spectrum: Vec<f64>, offset: f64) -> Toy {
    let (values, slopes) = (spectrum.clone(), spectrum);
    toy(
        values.len(),
        move |w| offset + 0.5 * w.iter().zip(&values).map(|(w, l)| l * w * w).sum::<f64>(),
        move |w| w.iter().zip(&slopes).map(|(w, l)| l * w).collect(),
    )
}

/// `½ Σ λᵢwᵢ² + offset` with its Hessian.
pub(crate) struct Quadratic {
    pub(crate) spectrum: Vec<f64>,
    pub(crate) offset: f64,
}

impl Objective for Quadratic {
    fn dimension(&self) -> usize {
        self.spectrum.len()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        self.loss_and_gradient(point).0
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let gradient = point.clone() * vector(&self.spectrum);
        let (w, g) = (host(point), host(&gradient));
        let inner: f64 = w.iter().zip(&g).map(|(w, g)| w * g).sum();
        (self.offset + 0.5 * inner, gradient)
    }
}

impl Curvature for Quadratic {
    fn hvp(&mut self, _: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        direction.clone() * vector(&self.spectrum)
    }
}

pub(crate) fn rosenbrock() -> Toy {
    toy(
        2,
        |w| (1.0 - w[0]).powi(2) + 100.0 * (w[1] - w[0] * w[0]).powi(2),
        |w| {
            let valley = w[1] - w[0] * w[0];
            vec![-2.0 * (1.0 - w[0]) - 400.0 * w[0] * valley, 200.0 * valley]
        },
    )
}

/// Runs a search and hands each step to a check, with the point it started from and the points it tried.
pub(crate) fn run(
    config: &LineSearchConfig,
    objective: Toy,
    point: &[f64],
    iterations: usize,
    mut check: impl FnMut(&mut Toy, &Tensor<1>, &Step, &[Vec<f64>]),
) {
    let mut search = config.init().unwrap();
    let mut objective = Counted::new(objective);
    let mut point = vector(point);
    for _ in 0..iterations {
        let before = objective.evaluations();
        let (next, step) = search.step(&mut objective, point.clone());
        let after = objective.evaluations();
        assert_eq!(after.gradients - before.gradients, 1);
        assert_eq!(after.losses - before.losses, u64::from(step.trials));
        let trials = std::mem::take(&mut objective.inner_mut().trials);
        for (index, trial) in trials.iter().enumerate() {
            assert!(
                !trials[..index].contains(trial),
                "a trial was evaluated twice"
            );
        }
        check(objective.inner_mut(), &point, &step, &trials);
        if step.outcome != Outcome::Stepped {
            assert_eq!(host(&next), host(&point), "no step, no move");
            assert_eq!(step.step_size, 0.0);
            break;
        }
        point = next;
    }
}
