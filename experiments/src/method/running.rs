//! A method on its way, whose state can be kept.

use burn::tensor::Tensor;
use flatland_optim::{
    Cdat, CdatState, Curvature, GradientDescent, LineSearch, LineSearchState, Method, Sam,
    SamState, Step, WarmUp, WarmUpState,
};
use serde::{Deserialize, Serialize};

/// Any of the methods.
#[derive(Debug, Clone)]
pub enum RunningMethod {
    Search(LineSearch),
    GradientDescent(GradientDescent),
    WarmUp(WarmUp),
    Cdat(Cdat),
    Sam(Box<Sam>),
}

/// What a method carries from one iteration to the next, but for SAM's momentum buffer, which is a tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MethodState {
    Search(LineSearchState),
    GradientDescent,
    WarmUp(WarmUpState),
    Cdat(CdatState),
    Sam,
}

impl RunningMethod {
    /// All that continuing the run needs besides the point.
    pub fn state(&self) -> (MethodState, Option<Tensor<1>>) {
        match self {
            Self::Search(search) => (MethodState::Search(search.state().clone()), None),
            Self::GradientDescent(_) => (MethodState::GradientDescent, None),
            Self::WarmUp(warm_up) => (MethodState::WarmUp(*warm_up.state()), None),
            Self::Cdat(cdat) => (MethodState::Cdat(*cdat.state()), None),
            Self::Sam(sam) => (MethodState::Sam, sam.state().buffer.clone()),
        }
    }

    /// The method, to go on from an earlier [`state`](Self::state); nothing if that is one of another method.
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

impl<O: Curvature> Method<O> for RunningMethod {
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
