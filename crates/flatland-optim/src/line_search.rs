//! Line searches.
//!
//! A line search is a composition of three independent parts: the reference value, the initial trial and the
//! extrapolation. LS, NLS, PoNLS, NLS-ub and PoNoS are five constructors of [`LineSearchConfig`].

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::{require, require_positive};
use crate::initial_trial::{InitialTrial, Polyak};
use crate::method::Start;
use crate::reference::{Reference, ReferenceState};
use crate::vector::axpy;
use crate::{Error, Method, Objective, Outcome, SearchFailure, Step};

/// How a search continues after an acceptable first trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Extrapolation {
    /// It takes the first trial.
    None,
    /// `η ← η/δ` while the trial is acceptable. In the end `η` is acceptable and `η/δ` is not: an equality up to the
    /// factor `δ`.
    UntilFailure,
    /// `η ← η/δ` at most once in an iteration, if `η/δ < bound`.
    OnceBelow {
        /// The upper bound of extrapolated step sizes.
        bound: f64,
    },
}

/// The parts and parameters of a line search.
///
/// A trial step size `η` is acceptable when
///
/// ```text
/// f(w − η·g) ≤ R − sufficient_decrease · η · ‖g‖²
/// ```
///
/// and the left side is finite. [`reference`](Self::reference) defines `R`. [`initial_trial`](Self::initial_trial)
/// defines the first trial, which is clipped to `[min_step_size, max_step_size]`. If the first trial is not acceptable,
/// it is multiplied by `backtracking_factor` until it is. Otherwise [`extrapolation`](Self::extrapolation) may enlarge
/// it. No point is evaluated twice.
///
/// | method | reference | initial trial | extrapolation |
/// |---|---|---|---|
/// | [`ls`](Self::ls) | monotone | previous | until failure |
/// | [`nls`](Self::nls) | Zhang–Hager, ξ = 1 | previous | until failure |
/// | [`ponls`](Self::ponls) | Zhang–Hager, ξ = 1 | Polyak | none |
/// | [`nls_ub`](Self::nls_ub) | Zhang–Hager, ξ = 1 | previous | once, below the number of classes |
/// | [`ponos`](Self::ponos) | Zhang–Hager, ξ = 1 | Polyak with memory | none |
///
/// # References
///
/// - L. Galli, C. Fox, W. Bartolomaeus, M. Schmidt, H. Rauhut, *Flatland: The Adventures of Gradient Descent with Large
///   Step Sizes*, ICML 2026, arXiv 2606.06722.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSearchConfig {
    /// `R`
    pub reference: Reference,
    /// The first trial of an iteration.
    pub initial_trial: InitialTrial,
    /// How the search continues after an acceptable first trial.
    pub extrapolation: Extrapolation,
    /// `c`, in `(0, 1)`.
    pub sufficient_decrease: f64,
    /// `δ`, in `(0, 1)`.
    pub backtracking_factor: f64,
    /// The largest number of trials in an iteration.
    pub max_trials: u32,
    /// `η₋₁`, the "previous" step size of the first iteration.
    pub first_step_size: f64,
    /// The smallest step size.
    pub min_step_size: f64,
    /// The largest first trial. An extrapolation may be larger.
    pub max_step_size: f64,
}

impl LineSearchConfig {
    fn new(
        reference: Reference,
        initial_trial: InitialTrial,
        extrapolation: Extrapolation,
    ) -> Self {
        Self {
            reference,
            initial_trial,
            extrapolation,
            sufficient_decrease: 1e-4,
            backtracking_factor: 0.5,
            max_trials: 100,
            first_step_size: 1.0,
            min_step_size: 1e-6,
            max_step_size: 1e4,
        }
    }

    /// LS, the monotone equality search.
    pub fn ls() -> Self {
        Self::new(
            Reference::Monotone,
            InitialTrial::Previous,
            Extrapolation::UntilFailure,
        )
    }

    /// NLS, the non-monotone equality search.
    pub fn nls() -> Self {
        Self {
            reference: MEAN_OF_ALL,
            ..Self::ls()
        }
    }

    /// PoNLS, the non-monotone search that starts from Polyak's step size and does not extrapolate.
    pub fn ponls() -> Self {
        let polyak = InitialTrial::Polyak(Polyak::default());
        Self::new(MEAN_OF_ALL, polyak, Extrapolation::None)
    }

    /// NLS-ub, the non-monotone search with step sizes below the number of classes `K`. With mean squared error, a
    /// network with dead features is unstable for `η ≥ K`.
    pub fn nls_ub(classes: usize) -> Self {
        let bound = classes as f64;
        Self {
            extrapolation: Extrapolation::OnceBelow { bound },
            ..Self::nls()
        }
    }

    /// PoNoS, the stochastic predecessor of PoNLS, with `c = 1/2`, first trials up to 10, and a memory of earlier cuts.
    pub fn ponos() -> Self {
        let polyak = Polyak {
            remembers_cuts: true,
            ..Polyak::default()
        };
        Self {
            initial_trial: InitialTrial::Polyak(polyak),
            sufficient_decrease: 0.5,
            max_step_size: 10.0,
            ..Self::ponls()
        }
    }

    /// The search, ready for its first step.
    ///
    /// # Errors
    ///
    /// Returns [`Error::InvalidParameter`] for the first parameter outside its range.
    pub fn init(&self) -> Result<LineSearch, Error> {
        self.reference.check()?;
        self.initial_trial.check()?;
        if let Extrapolation::OnceBelow { bound } = self.extrapolation {
            require_positive("bound", bound)?;
        }
        let is_fraction = |value: f64| value > 0.0 && value < 1.0;
        let Self {
            sufficient_decrease: c,
            backtracking_factor: delta,
            ..
        } = *self;
        require(is_fraction(c), "sufficient_decrease", c, "in (0, 1)")?;
        require(
            is_fraction(delta),
            "backtracking_factor",
            delta,
            "in (0, 1)",
        )?;
        require(
            self.max_trials >= 1,
            "max_trials",
            self.max_trials.into(),
            "at least 1",
        )?;
        require_positive("first_step_size", self.first_step_size)?;
        require_positive("min_step_size", self.min_step_size)?;
        require(
            self.max_step_size >= self.min_step_size && self.max_step_size.is_finite(),
            "max_step_size",
            self.max_step_size,
            "at least min_step_size and finite",
        )?;
        Ok(LineSearch {
            state: LineSearchState {
                reference: ReferenceState::default(),
                step_size: self.first_step_size,
                cuts: 0,
            },
            config: self.clone(),
        })
    }
}

/// `C` is the mean of all losses so far.
const MEAN_OF_ALL: Reference = Reference::ZhangHager { xi: 1.0 };

/// The state of a line search between two iterations. With the point, it determines the rest of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineSearchState {
    reference: ReferenceState,
    /// The last accepted step size.
    step_size: f64,
    /// `l`, the memory of cuts in Polyak's step size.
    cuts: u32,
}

/// Gradient descent with step sizes from a line search, see [`LineSearchConfig`].
///
/// An iteration evaluates one gradient, with the loss at `w_k`, and one loss for each trial. It takes no step if the
/// run has converged (`‖g‖` or `f` below `1e-8`), if the loss or the gradient at `w_k` is not finite, or if the search
/// fails: after [`max_trials`](LineSearchConfig::max_trials) trials, or if the next trial would be smaller than
/// [`min_step_size`](LineSearchConfig::min_step_size). An extrapolation that reaches the limit of trials, as on an
/// unbounded function, takes the last acceptable step size.
///
/// Besides the point, a step holds two vectors of its dimension, the gradient and one trial, and the memory of the
/// objective's evaluations. An accepted point is recomputed instead of stored, so a later trial can use its memory.
#[derive(Debug, Clone)]
pub struct LineSearch {
    config: LineSearchConfig,
    state: LineSearchState,
}

impl LineSearch {
    /// The state after the last iteration.
    pub fn state(&self) -> &LineSearchState {
        &self.state
    }

    /// The search in an earlier [`state`](Self::state).
    pub fn with_state(mut self, state: LineSearchState) -> Self {
        self.state = state;
        self
    }

    fn initial_step_size(&self, start: &Start) -> f64 {
        let LineSearchConfig {
            min_step_size,
            max_step_size,
            ..
        } = self.config;
        match self.config.initial_trial {
            InitialTrial::Previous => self.state.step_size.clamp(min_step_size, max_step_size),
            InitialTrial::Polyak(polyak) => {
                let step_size = polyak.step_size(start.loss, start.gradient_norm);
                let step_size = step_size.clamp(min_step_size, max_step_size);
                let cuts = if polyak.remembers_cuts {
                    self.state.cuts
                } else {
                    0
                };
                let remembered = self.config.backtracking_factor.powi(cuts as i32);
                (step_size * remembered).max(min_step_size)
            }
        }
    }
}

impl<O: Objective + ?Sized> Method<O> for LineSearch {
    fn step(&mut self, objective: &mut O, point: Tensor<1>) -> (Tensor<1>, Step) {
        let start = match Start::evaluate(objective, &point) {
            Ok(start) => start,
            Err(step) => return (point, step),
        };
        let config = &self.config;
        let reference = config
            .reference
            .update(&mut self.state.reference, start.loss);
        let initial_step_size = self.initial_step_size(&start);
        let mut search = Search {
            objective,
            point: &point,
            start: &start,
            config,
            reference_value: reference.value,
            trials: 0,
            backtracks: 0,
        };
        let found = search.run(initial_step_size);
        let mut step = Step {
            initial_step_size: Some(initial_step_size),
            trials: search.trials,
            backtracks: search.backtracks,
            reference_value: Some(reference.value),
            average_loss: reference.average,
            ..start.step()
        };
        match found {
            Ok(accepted) => {
                self.state.cuts = (self.state.cuts + step.backtracks).saturating_sub(1);
                self.state.step_size = accepted.step_size;
                step.step_size = accepted.step_size;
                step.accepted_loss = Some(accepted.loss);
                (axpy(-accepted.step_size, &start.gradient, &point), step)
            }
            Err(failure) => {
                step.outcome = Outcome::SearchFailed(failure);
                (point, step)
            }
        }
    }
}

/// One search along `−g`.
struct Search<'a, O: ?Sized> {
    objective: &'a mut O,
    point: &'a Tensor<1>,
    start: &'a Start,
    config: &'a LineSearchConfig,
    reference_value: f64,
    trials: u32,
    backtracks: u32,
}

/// An acceptable step size and its loss.
#[derive(Clone, Copy)]
struct Accepted {
    step_size: f64,
    loss: f64,
}

impl<O: Objective + ?Sized> Search<'_, O> {
    fn run(&mut self, initial_step_size: f64) -> Result<Accepted, SearchFailure> {
        match self.try_step(initial_step_size) {
            Some(accepted) => Ok(self.extrapolate(accepted)),
            None => self.backtrack(initial_step_size),
        }
    }

    fn backtrack(&mut self, mut step_size: f64) -> Result<Accepted, SearchFailure> {
        loop {
            step_size *= self.config.backtracking_factor;
            if step_size < self.config.min_step_size {
                return Err(SearchFailure::StepTooSmall);
            }
            if self.trials >= self.config.max_trials {
                return Err(SearchFailure::TrialLimit);
            }
            self.backtracks += 1;
            if let Some(accepted) = self.try_step(step_size) {
                return Ok(accepted);
            }
        }
    }

    fn extrapolate(&mut self, first: Accepted) -> Accepted {
        let factor = self.config.backtracking_factor;
        match self.config.extrapolation {
            Extrapolation::None => first,
            Extrapolation::OnceBelow { bound } => {
                let next = first.step_size / factor;
                let may_grow = next < bound && self.trials < self.config.max_trials;
                may_grow
                    .then(|| self.try_step(next))
                    .flatten()
                    .unwrap_or(first)
            }
            Extrapolation::UntilFailure => {
                let mut accepted = first;
                while self.trials < self.config.max_trials {
                    match self.try_step(accepted.step_size / factor) {
                        Some(larger) => accepted = larger,
                        None => break,
                    }
                }
                accepted
            }
        }
    }

    /// Evaluates a trial. `None` if it is not acceptable.
    fn try_step(&mut self, step_size: f64) -> Option<Accepted> {
        self.trials += 1;
        let Start {
            gradient,
            gradient_norm,
            ..
        } = self.start;
        let loss = self.objective.loss(&axpy(-step_size, gradient, self.point));
        let decrease = self.config.sufficient_decrease * step_size * gradient_norm * gradient_norm;
        let is_acceptable = loss.is_finite() && loss <= self.reference_value - decrease;
        is_acceptable.then_some(Accepted { step_size, loss })
    }
}
