//! How a run ends with an iteration that takes no step.

use flatland_config::Status;
use flatland_optim::{Convergence, CurvatureFailure, NonFinite, Outcome, SearchFailure, Step};

/// How a full-batch run ends with this step, and why. `None` if it continues.
pub(super) fn stop_reason(step: &Step) -> Option<(Status, String)> {
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
        Outcome::CurvatureFailed(CurvatureFailure::NonFinite) => (
            Status::Stalled,
            "the curvature along the gradient is not finite, so no step size follows from it"
                .to_owned(),
        ),
        Outcome::CurvatureFailed(CurvatureFailure::Vanishes) => (
            Status::Stalled,
            "the curvature along the gradient vanishes, so no finite step size follows from it; \
             the option epsilon of cdat keeps it positive"
                .to_owned(),
        ),
    };
    Some((status, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the reliability document: what is not finite, and how a run ends with it.
    #[test]
    fn what_is_not_finite_at_the_point_diverges_and_in_the_curvature_stalls() {
        let step = |outcome| Step {
            loss: f64::NAN,
            gradient_norm: 1.0,
            step_size: 0.0,
            initial_step_size: None,
            trials: 0,
            backtracks: 0,
            reference_value: None,
            average_loss: None,
            accepted_loss: None,
            outcome,
        };
        for (outcome, expected, what) in [
            (
                Outcome::Diverged(NonFinite::Loss),
                Status::Diverged,
                "the loss is NaN",
            ),
            (
                Outcome::Diverged(NonFinite::Gradient),
                Status::Diverged,
                "the gradient is not finite",
            ),
            (
                Outcome::CurvatureFailed(CurvatureFailure::NonFinite),
                Status::Stalled,
                "the curvature along the gradient is not finite",
            ),
            (
                Outcome::CurvatureFailed(CurvatureFailure::Vanishes),
                Status::Stalled,
                "the curvature along the gradient vanishes",
            ),
        ] {
            let (status, reason) = stop_reason(&step(outcome)).unwrap();
            assert_eq!(status, expected, "{reason}");
            assert!(reason.starts_with(what), "{reason}");
        }
        assert!(stop_reason(&step(Outcome::Stepped)).is_none());
    }
}
