//! The first trial of a line search.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_positive};

/// The first trial step size of an iteration, before clipping.
///
/// # References
///
/// - B. T. Polyak, *Introduction to Optimization*, 1987.
/// - L. Galli, H. Rauhut, M. Schmidt, *Don't be so Monotone: Relaxing Stochastic Line Search in Over-Parameterized
///   Models*, NeurIPS 2023 (PoNoS, the memory of cuts).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialTrial {
    /// The last accepted step size.
    Previous,
    /// Polyak's step size.
    Polyak(Polyak),
}

/// Polyak's step size, `(f(w) − f*)/(c_p·‖g‖² + guard)`, possibly times `δ^l` with a memory `l` of earlier cuts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Polyak {
    /// `f*`, a lower bound of the loss.
    pub optimal_loss: f64,
    /// `c_p`
    pub scale: f64,
    /// A constant that keeps the quotient finite for a vanishing gradient.
    pub guard: f64,
    /// Whether the step size is multiplied by `δ^l`, where `l ← max(l + backtracks − 1, 0)` after every search that
    /// takes a step.
    pub remembers_cuts: bool,
}

impl Default for Polyak {
    fn default() -> Self {
        Self {
            optimal_loss: 0.0,
            scale: 0.1,
            guard: 1e-8,
            remembers_cuts: false,
        }
    }
}

impl InitialTrial {
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Previous => Ok(()),
            Self::Polyak(polyak) => {
                let Polyak {
                    optimal_loss,
                    scale,
                    guard,
                    ..
                } = *polyak;
                require(
                    optimal_loss.is_finite(),
                    "optimal_loss",
                    optimal_loss,
                    "finite",
                )?;
                require_positive("scale", scale)?;
                let is_allowed = guard >= 0.0 && guard.is_finite();
                require(is_allowed, "guard", guard, "at least 0 and finite")
            }
        }
    }
}

impl Polyak {
    /// The step size before clipping and before earlier cuts.
    pub(crate) fn step_size(&self, loss: f64, gradient_norm: f64) -> f64 {
        (loss - self.optimal_loss) / (self.scale * gradient_norm * gradient_norm + self.guard)
    }
}
