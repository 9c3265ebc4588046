use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::layer::Signal;
use crate::{Dual, ops};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nonlinearity {
    /// `max(x, 0)`
    Relu,
    /// `tanh x`
    Tanh,
}

/// A [`Nonlinearity`] applied to each element of features or images.
#[derive(Module, Debug)]
pub struct Activation {
    #[module(skip)]
    function: Nonlinearity,
}

impl Activation {
    /// Applies `function` to each element.
    pub fn new(function: Nonlinearity) -> Self {
        Self { function }
    }

    pub(crate) fn forward(&self, input: Signal) -> Signal {
        match input {
            Signal::Features(features) => self.apply(features).into(),
            Signal::Image(image) => self.apply(image).into(),
        }
    }

    fn apply<const D: usize>(&self, input: Dual<D>) -> Dual<D> {
        match self.function {
            Nonlinearity::Relu => ops::relu(input),
            Nonlinearity::Tanh => ops::tanh(input),
        }
    }
}
