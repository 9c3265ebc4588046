//! What an iteration without a step says of the run.

use flatland_optim::{Convergence, NonFinite, Outcome, SearchFailure, Step};

use crate::records::Status;

/// How a full-batch run ends with this step, and why; nothing if it goes on.
pub(super) fn ending(step: &Step) -> Option<(Status, String)> {
    let (status, what) = match step.outcome {
        Outcome::Stepped => return None,
        Outcome::Converged(Convergence::GradientNorm) => (
            Status::Converged,
            format!("the gradient's norm is {:e}", step.gradient_norm),
        ),
        Outcome::Converged(Convergence::Loss) => {
            (Status::Converged, format!("the loss is {:e}", step.loss))
        }
        Outcome::SearchFailed(SearchFailure::TrialLimit) => (
            Status::Stalled,
            format!("none of {} step sizes was acceptable", step.trials),
        ),
        Outcome::SearchFailed(SearchFailure::StepTooSmall) => (
            Status::Stalled,
            "no step size above the least one was acceptable".to_owned(),
        ),
        Outcome::Diverged(NonFinite::Loss) => {
            (Status::Diverged, format!("the loss is {}", step.loss))
        }
        Outcome::Diverged(NonFinite::Gradient) => {
            (Status::Diverged, "the gradient is not finite".to_owned())
        }
        Outcome::Diverged(NonFinite::Curvature) => (
            Status::Diverged,
            "the curvature along the gradient is not finite".to_owned(),
        ),
        Outcome::NoCurvature => (
            Status::Stalled,
            "the curvature along the gradient vanishes, so no finite step size follows from it; \
             the option epsilon of cdat keeps it positive"
                .to_owned(),
        ),
    };
    Some((status, what))
}
