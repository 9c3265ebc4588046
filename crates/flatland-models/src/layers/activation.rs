//! Activation functions.

use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::signal::Signal;
use crate::{Dual, ForwardPass, ops};

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nonlinearity {
    /// `max(x, 0)`
    Relu,
    /// `tanh x`
    Tanh,
    /// `x·Φ(x)`
    Gelu,
    /// `x·σ(x)`
    Silu,
    /// `x` if `x > 0`, else `exp x − 1`
    Elu,
    /// `log(1 + exp x)`
    Softplus,
}

/// A layer that applies a [`Nonlinearity`] to every element.
#[derive(Module, Debug)]
pub struct Activation {
    #[module(skip)]
    function: Nonlinearity,
}

impl Activation {
    /// The layer that applies `function`.
    pub fn new(function: Nonlinearity) -> Self {
        Self { function }
    }

    pub(crate) fn function(&self) -> Nonlinearity {
        self.function
    }

    pub(crate) fn forward(&self, pass: &ForwardPass<'_>, input: Signal) -> Signal {
        match input {
            Signal::Features(features) => self.apply(pass, features).into(),
            Signal::Tokens(tokens) => self.apply(pass, tokens).into(),
            Signal::Image(image) => self.apply(pass, image).into(),
        }
    }

    fn apply<const D: usize>(&self, pass: &ForwardPass<'_>, input: Dual<D>) -> Dual<D> {
        let output = match self.function {
            Nonlinearity::Relu => ops::relu(input),
            Nonlinearity::Tanh => ops::tanh(input),
            Nonlinearity::Gelu => ops::gelu(input),
            Nonlinearity::Silu => ops::silu(input),
            Nonlinearity::Elu => ops::elu(input),
            Nonlinearity::Softplus => ops::softplus(input),
        };
        pass.watch(&output.value);
        output
    }
}
