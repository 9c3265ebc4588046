use flatland_kernels::{gate, rectify};

use super::flow::{Flow, both, each};
use crate::{Dropout, Pass};

/// `tanh x`, and the adjoint of it after a reverse pass.
#[derive(Debug)]
pub(crate) struct KeptTanh {
    output: Flow,
    adjoint: Option<Flow>,
}

/// Lets a pass see the output of an activation.
pub(super) fn watch(pass: &Pass<'_>, output: &Flow) {
    match output {
        Flow::Features(output) => pass.watch(output),
        Flow::Tokens(output) => pass.watch(output),
        Flow::Image(output) => pass.watch(output),
    }
}

/// `max(x, 0)`
pub(super) fn rectified(input: Flow) -> Flow {
    each!(input, x => rectify(x))
}

/// The reverse pass of a rectifier, its tangent, and the tangent of its reverse pass: all are linear, and the same.
pub(super) fn gated(signal: Flow, output: &Flow) -> Flow {
    both!(signal, output, x, y => gate(x, y))
}

/// What dropout multiplies by, if the pass drops.
pub(super) fn factors(layer: &Dropout, pass: &Pass<'_>, input: &Flow) -> Option<Flow> {
    Some(each!(input, x => layer.factors(pass, x)?))
}

pub(super) fn scaled(signal: Flow, factors: &Flow) -> Flow {
    both!(signal, factors, x, y => x * y.clone())
}

impl KeptTanh {
    pub(super) fn record(input: Flow) -> (Flow, Self) {
        let output = each!(input, x => x.tanh());
        let kept = Self {
            output: output.clone(),
            adjoint: None,
        };
        (output, kept)
    }

    /// `(1 − y²)·signal`
    fn slope(&self, signal: Flow) -> Flow {
        both!(signal, &self.output, x, y => x * (-y.clone().square() + 1.0))
    }

    pub(super) fn pull(&mut self, adjoint: Flow, keeps: bool) -> Flow {
        if keeps {
            self.adjoint = Some(adjoint.clone());
        }
        self.slope(adjoint)
    }

    pub(super) fn push(&self, tangent: Flow) -> Flow {
        self.slope(tangent)
    }

    /// `(1 − y²)·ȳ̇ − 2·y·ẏ·ȳ`, with `ẏ = (1 − y²)·ẋ`
    pub(super) fn pull_tangent(&self, tangent: Option<Flow>, along: Flow) -> Flow {
        let along = self.slope(along);
        let Some(tangent) = tangent else {
            return along;
        };
        let adjoint = self.adjoint.as_ref().expect("a reverse pass");
        let bend = both!(self.slope(tangent), &self.output, t, y => t * y.clone() * -2.0);
        along.add(both!(bend, adjoint, b, a => b * a.clone()))
    }
}
