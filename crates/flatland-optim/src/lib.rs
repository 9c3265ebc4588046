//! Step-size rules for gradient descent at the edge of stability.
//!
//! A [`Method`] updates a parameter vector and returns a record of the iteration, a [`Step`]. It sees the problem as an
//! [`Objective`] alone. All line searches are one struct with exchangeable parts, see [`LineSearchConfig`]: LS, NLS,
//! PoNLS, NLS-ub and PoNoS are five choices of the parts. The other methods are gradient descent with a fixed step size
//! ([`GradientDescentConfig`]) or a warm-up ([`WarmUpConfig`]), SAM ([`SamConfig`]), and CDAT ([`CdatConfig`]), which
//! needs [`Curvature`]. [`MethodConfig`] selects a method by name.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use flatland_optim::{LineSearchConfig, Method, Objective};
//!
//! /// `f(w) = ½ wᵀ·diag(1, 10)·w`
//! struct Quadratic;
//!
//! impl Objective for Quadratic {
//!     fn dimension(&self) -> usize {
//!         2
//!     }
//!     fn loss(&mut self, point: &Tensor<1>) -> f64 {
//!         self.loss_and_gradient(point).0
//!     }
//!     fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
//!         let gradient = point.clone() * Tensor::from_floats([1.0, 10.0], &point.device());
//!         (0.5 * (gradient.clone() * point.clone()).sum().into_scalar::<f64>(), gradient)
//!     }
//! }
//!
//! let mut method = LineSearchConfig::nls().init()?;
//! let mut point = Tensor::<1>::from_floats([1.0, 1.0], &Device::flex());
//! for _ in 0..30 {
//!     let step;
//!     (point, step) = method.step(&mut Quadratic, point);
//!     println!("loss {:.2e}, step size {}, {} trials", step.loss, step.step_size, step.trials);
//! }
//! assert!(Quadratic.loss(&point) < 0.1);
//! # Ok::<(), flatland_optim::Error>(())
//! ```
//!
//! # Any burn module, in your own loop
//!
//! [`step_module`](module::step_module) takes closures, as burn's LBFGS does. A second closure computes the loss of a
//! trial from a module of plain tensors, so a trial leaves no tape:
//!
//! ```
//! use burn::nn::LinearConfig;
//! use burn::optim::GradientsParams;
//! use burn::tensor::{Device, Distribution, Tensor};
//! use flatland_optim::{LineSearchConfig, module::step_module};
//!
//! let device = Device::flex();
//! device.seed(1);
//! let inputs = Tensor::<2>::random([64, 8], Distribution::Normal(0.0, 1.0), &device);
//! let targets = inputs.clone().sum_dim(1);
//! let mut model = LinearConfig::new(8, 1).init(&device.autodiff());
//! let mut search = LineSearchConfig::nls().init()?;
//! let loss = |model: &burn::nn::Linear| (model.forward(inputs.clone()) - targets.clone()).square().mean();
//! let mut losses = Vec::new();
//! for _ in 0..20 {
//!     let step;
//!     (model, step) = step_module(
//!         &mut search,
//!         model,
//!         |plain| loss(plain).into_scalar(),
//!         |taped| {
//!             let loss = loss(taped);
//!             (loss.clone().into_scalar(), GradientsParams::from_grads(loss.backward(), taped))
//!         },
//!     );
//!     losses.push(step.loss);
//! }
//! assert!(losses[19] < 0.1 * losses[0]);
//! # Ok::<(), flatland_optim::Error>(())
//! ```

mod any;
mod cdat;
mod error;
mod gradient_descent;
mod initial_trial;
mod line_search;
mod method;
pub mod module;
mod named;
mod objective;
mod reference;
mod sam;
pub mod vector;
mod warm_up;

pub use any::{AnyMethod, MethodState};
pub use cdat::{Cdat, CdatConfig, CdatState};
pub use error::Error;
pub use gradient_descent::{GradientDescent, GradientDescentConfig};
pub use initial_trial::{InitialTrial, Polyak};
pub use line_search::{Extrapolation, LineSearch, LineSearchConfig, LineSearchState};
pub use method::{Convergence, CurvatureFailure, Method, NonFinite, Outcome, SearchFailure, Step};
pub use named::MethodConfig;
pub use objective::{Counted, Curvature, Evaluations, Objective, Products};
pub use reference::{Reference, ReferenceState};
pub use sam::{Sam, SamConfig, SamState};
pub use warm_up::{WarmUp, WarmUpConfig, WarmUpState};
