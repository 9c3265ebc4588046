use crate::{
    Error, Method, Objective, Outcome, Step,
    vector::{axpy, norm},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientDescentConfig {
    pub step_size: f64,
}
impl GradientDescentConfig {
    pub fn new(step_size: f64) -> Self {
        Self { step_size }
    }
    pub fn init(&self) -> Result<GradientDescent, Error> {
        crate::error::require_positive("step_size", self.step_size)?;
        Ok(GradientDescent(self.clone()))
    }
}
pub struct GradientDescent(GradientDescentConfig);
impl<O: Objective + ?Sized> Method<O> for GradientDescent {
    fn step(&mut self, o: &mut O, w: Tensor<1>) -> (Tensor<1>, Step) {
        let (loss, g) = o.loss_and_gradient(&w);
        let gn = norm(&g);
        let mut s = Step {
            loss,
            gradient_norm: gn,
            step_size: 0.0,
            initial_step_size: None,
            trials: 0,
            backtracks: 0,
            reference_value: None,
            average_loss: None,
            accepted_loss: None,
            outcome: Outcome::Stepped,
        };
        if let Some(o) = crate::line_search::ended(loss, gn) {
            s.outcome = o;
            return (w, s);
        }
        s.step_size = self.0.step_size;
        (axpy(-s.step_size, &g, &w), s)
    }
}
