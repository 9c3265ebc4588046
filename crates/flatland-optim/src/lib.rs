//! Step-size rules for gradient descent at the edge of stability.

mod method;
mod objective;

pub use method::{Convergence, Method, NonFinite, Outcome, SearchFailure, Step};
pub use objective::{Counted, Curvature, Evaluations, Objective};
