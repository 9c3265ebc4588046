//! Any of the methods as one type, with a state that can be saved.
//!
//! [`MethodState`] and the momentum buffer contain everything that an iteration passes to the next. A method with a new
//! state must add it here: otherwise a resumed run differs from an uninterrupted one.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    Cdat, CdatState, Curvature, GradientDescent, LineSearch, LineSearchState, Method, Sam,
    SamState, Step, WarmUp, WarmUpState,
};

/// A method that is chosen at run time, see [`MethodConfig::build`](crate::MethodConfig::build).
#[derive(Debug, Clone)]
pub enum AnyMethod {
    /// A line search.
    Search(LineSearch),
    /// Gradient descent with a fixed step size.
    GradientDescent(GradientDescent),
    /// Gradient descent with a warm-up.
    WarmUp(WarmUp),
    /// CDAT.
    Cdat(Cdat),
    /// SAM.
    Sam(Box<Sam>),
}

/// The state of an [`AnyMethod`] between two iterations, without SAM's momentum buffer, which is a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MethodState {
    /// The state of a line search.
    Search(LineSearchState),
    /// Gradient descent has no state.
    GradientDescent,
    /// The state of a warm-up.
    WarmUp(WarmUpState),
    /// The state of CDAT.
    Cdat(CdatState),
    /// The state of SAM is its momentum buffer alone.
    Sam,
}

impl AnyMethod {
    /// The state and, for SAM with momentum, the momentum buffer. With the point, they determine the rest of the run.
    ///
    /// # Shapes
    ///
    /// - momentum buffer: `[dimension]`
    pub fn state(&self) -> (MethodState, Option<Tensor<1>>) {
        match self {
            Self::Search(search) => (MethodState::Search(search.state().clone()), None),
            Self::GradientDescent(_) => (MethodState::GradientDescent, None),
            Self::WarmUp(warm_up) => (MethodState::WarmUp(*warm_up.state()), None),
            Self::Cdat(cdat) => (MethodState::Cdat(*cdat.state()), None),
            Self::Sam(sam) => (MethodState::Sam, sam.state().buffer.clone()),
        }
    }

    /// The method in an earlier [`state`](Self::state). `None` if the state belongs to another method.
    pub fn with_state(self, state: MethodState, buffer: Option<Tensor<1>>) -> Option<Self> {
        Some(match (self, state) {
            (Self::Search(search), MethodState::Search(state)) => {
                Self::Search(search.with_state(state))
            }
            (descent @ Self::GradientDescent(_), MethodState::GradientDescent) => descent,
            (Self::WarmUp(warm_up), MethodState::WarmUp(state)) => {
                Self::WarmUp(warm_up.with_state(state))
            }
            (Self::Cdat(cdat), MethodState::Cdat(state)) => Self::Cdat(cdat.with_state(state)),
            (Self::Sam(sam), MethodState::Sam) => {
                Self::Sam(Box::new(sam.with_state(SamState { buffer })))
            }
            _ => return None,
        })
    }
}

impl<O: Curvature + ?Sized> Method<O> for AnyMethod {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        match self {
            Self::Search(search) => search.step(objective, point),
            Self::GradientDescent(descent) => descent.step(objective, point),
            Self::WarmUp(warm_up) => warm_up.step(objective, point),
            Self::Cdat(cdat) => cdat.step(objective, point),
            Self::Sam(sam) => sam.step(objective, point),
        }
    }
}
