use flatland_kernels::gate;

use super::flow::{Flow, both, each};
use crate::{Dropout, ForwardPass};

/// The saved values of a hyperbolic tangent.
#[derive(Debug)]
pub(crate) struct SavedTanh {
    /// `tanh x`
    output: Flow,
    /// The adjoint of the output, after a backward pass.
    adjoint: Option<Flow>,
}

/// Reports the output of an activation to the pass.
pub(super) fn watch(pass: &ForwardPass<'_>, output: &Flow) {
    match output {
        Flow::Features(output) => pass.watch(output),
        Flow::Tokens(output) => pass.watch(output),
        Flow::Image(output) => pass.watch(output),
    }
}

/// `max(x, 0)`
pub(super) fn relu(input: Flow) -> Flow {
    each!(input, x => flatland_kernels::relu(x))
}

/// `backward`, `jvp` and `backward_jvp` of a ReLU, which are the same linear map.
pub(super) fn gated(signal: Flow, output: &Flow) -> Flow {
    both!(signal, output, x, y => gate(x, y))
}

/// The factors of dropout. `None` if the pass drops nothing.
pub(super) fn factors(layer: &Dropout, pass: &ForwardPass<'_>, input: &Flow) -> Option<Flow> {
    Some(each!(input, x => layer.factors(pass, x)?))
}

pub(super) fn scaled(signal: Flow, factors: &Flow) -> Flow {
    both!(signal, factors, x, y => x * y.clone())
}

impl SavedTanh {
    pub(super) fn record(input: Flow) -> (Flow, Self) {
        let output = each!(input, x => x.tanh());
        let saved = Self {
            output: output.clone(),
            adjoint: None,
        };
        (output, saved)
    }

    /// `(1 − y²)·signal`
    fn slope(&self, signal: Flow) -> Flow {
        both!(signal, &self.output, x, y => x * (-y.clone().square() + 1.0))
    }

    pub(super) fn backward(&mut self, adjoint: Flow, saves_adjoint: bool) -> Flow {
        if saves_adjoint {
            self.adjoint = Some(adjoint.clone());
        }
        self.slope(adjoint)
    }

    pub(super) fn jvp(&self, tangent: Flow) -> Flow {
        self.slope(tangent)
    }

    /// `(1 − y²)·ȳ̇ − 2·y·ẏ·ȳ`, with `ẏ = (1 − y²)·ẋ`
    pub(super) fn backward_jvp(&self, tangent: Option<Flow>, adjoint_tangent: Flow) -> Flow {
        let adjoint_tangent = self.slope(adjoint_tangent);
        let Some(tangent) = tangent else {
            return adjoint_tangent;
        };
        let adjoint = self.adjoint.as_ref().expect("a backward pass");
        let bend = both!(self.slope(tangent), &self.output, t, y => t * y.clone() * -2.0);
        adjoint_tangent.add(both!(bend, adjoint, b, a => b * a.clone()))
    }
}
