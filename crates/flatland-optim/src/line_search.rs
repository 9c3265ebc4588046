use crate::{
    Convergence, Error, Method, NonFinite, Objective, Outcome, SearchFailure, Step,
    vector::{axpy, norm},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    Monotone,
    Grippo { window: usize },
    ZhangHager { xi: f64 },
}
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialTrial {
    Previous,
    Polyak,
}
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extrapolation {
    None,
    UntilFailure,
    OnceBelow(f64),
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSearchConfig {
    pub reference: Reference,
    pub initial_trial: InitialTrial,
    pub extrapolation: Extrapolation,
    pub sufficient_decrease: f64,
    pub backtracking_factor: f64,
    pub max_trials: u32,
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
        }
    }
    pub fn ls() -> Self {
        Self::new(
            Reference::Monotone,
            InitialTrial::Previous,
            Extrapolation::UntilFailure,
        )
    }
    pub fn nls() -> Self {
        Self::new(
            Reference::ZhangHager { xi: 1.0 },
            InitialTrial::Previous,
            Extrapolation::UntilFailure,
        )
    }
    pub fn ponls() -> Self {
        Self::new(
            Reference::ZhangHager { xi: 1.0 },
            InitialTrial::Polyak,
            Extrapolation::None,
        )
    }
    pub fn nls_ub(classes: usize) -> Self {
        Self::new(
            Reference::ZhangHager { xi: 1.0 },
            InitialTrial::Previous,
            Extrapolation::OnceBelow(classes as f64),
        )
    }
    pub fn ponos() -> Self {
        Self::ponls()
    }
    pub fn init(&self) -> Result<LineSearch, Error> {
        Ok(LineSearch {
            config: self.clone(),
            eta: 1.0,
            q: 0.0,
            c: 0.0,
        })
    }
}
pub struct LineSearch {
    config: LineSearchConfig,
    eta: f64,
    q: f64,
    c: f64,
}
pub(crate) fn ended(loss: f64, gn: f64) -> Option<Outcome> {
    if !loss.is_finite() {
        Some(Outcome::Diverged(NonFinite::Loss))
    } else if !gn.is_finite() {
        Some(Outcome::Diverged(NonFinite::Gradient))
    } else if gn < 1e-8 {
        Some(Outcome::Converged(Convergence::GradientNorm))
    } else if loss < 1e-8 {
        Some(Outcome::Converged(Convergence::Loss))
    } else {
        None
    }
}
impl<O: Objective + ?Sized> Method<O> for LineSearch {
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
        if let Some(o) = ended(loss, gn) {
            s.outcome = o;
            return (w, s);
        }
        let r = match self.config.reference {
            Reference::ZhangHager { xi } => {
                let q = xi * self.q + 1.0;
                self.c = (xi * self.q * self.c + loss) / q;
                self.q = q;
                s.average_loss = Some(self.c);
                self.c.max(loss)
            }
            _ => loss,
        };
        s.reference_value = Some(r);
        let mut eta = match self.config.initial_trial {
            InitialTrial::Previous => self.eta,
            InitialTrial::Polyak => loss / (0.1 * gn * gn + 1e-8),
        }
        .clamp(1e-6, 1e4);
        s.initial_step_size = Some(eta);
        let mut ok = |eta: f64, s: &mut Step| {
            s.trials += 1;
            let f = o.loss(&axpy(-eta, &g, &w));
            let ok = f <= r - self.config.sufficient_decrease * eta * gn * gn;
            if ok {
                s.accepted_loss = Some(f);
            }
            ok
        };
        let d = self.config.backtracking_factor;
        if ok(eta, &mut s) {
            match self.config.extrapolation {
                Extrapolation::UntilFailure => {
                    while s.trials < self.config.max_trials && ok(eta / d, &mut s) {
                        eta /= d;
                    }
                }
                Extrapolation::OnceBelow(b) => {
                    if eta / d < b && ok(eta / d, &mut s) {
                        eta /= d;
                    }
                }
                Extrapolation::None => {}
            }
        } else {
            loop {
                eta *= d;
                s.backtracks += 1;
                if eta < 1e-6 {
                    s.outcome = Outcome::SearchFailed(SearchFailure::StepTooSmall);
                    return (w, s);
                }
                if s.trials >= self.config.max_trials {
                    s.outcome = Outcome::SearchFailed(SearchFailure::TrialLimit);
                    return (w, s);
                }
                if ok(eta, &mut s) {
                    break;
                }
            }
        }
        self.eta = eta;
        s.step_size = eta;
        (axpy(-eta, &g, &w), s)
    }
}
