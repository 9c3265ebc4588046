//! Gradient descent with a fixed step size.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::require_positive;
use crate::method::Start;
use crate::vector::axpy;
use crate::{Error, Method, Objective, Step};

/// The parameters of [`GradientDescent`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientDescentConfig {
    /// `η`, positive and finite.
    pub step_size: f64,
}

impl GradientDescentConfig {
    /// The parameters of the iteration `w ← w − step_size·g`.
    pub fn new(step_size: f64) -> Self {
        Self { step_size }
    }

    /// The method, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] if the step size is not positive and finite.
    pub fn init(&self) -> Result<GradientDescent, Error> {
        require_positive("step_size", self.step_size)?;
        Ok(GradientDescent {
            config: self.clone(),
        })
    }
}

/// Gradient descent with a fixed step size: `w ← w − η·g`.
///
/// With full batches, the sharpness `λ₁` grows to the edge of stability `2/η` and stays there.
///
/// # References
///
/// - J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, *Gradient Descent on Neural Networks Typically Occurs at the
///   Edge of Stability*, ICLR 2021.
#[derive(Debug, Clone)]
pub struct GradientDescent {
    config: GradientDescentConfig,
}

impl<O: Objective + ?Sized> Method<O> for GradientDescent {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        let start = match Start::evaluate(objective, &point) {
            Ok(start) => start,
            Err(step) => return (point, step),
        };
        let step_size = self.config.step_size;
        let step = Step {
            step_size,
            ..start.step()
        };
        (axpy(-step_size, &start.gradient, &point), step)
    }
}
