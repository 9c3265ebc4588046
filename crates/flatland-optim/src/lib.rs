//! Step-size rules for gradient descent at the edge of stability.
#![allow(missing_docs)]

mod error;
mod gradient_descent;
mod line_search;
mod method;
pub mod module;
mod objective;
pub mod vector;

pub use error::Error;
pub use gradient_descent::{GradientDescent, GradientDescentConfig};
pub use line_search::{Extrapolation, InitialTrial, LineSearch, LineSearchConfig, Reference};
pub use method::{Convergence, Method, NonFinite, Outcome, SearchFailure, Step};
pub use objective::{Counted, Curvature, Evaluations, Objective};
