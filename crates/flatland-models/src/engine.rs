//! Hand-written forward, backward and tangent passes: gradients, and Hessian-vector products that share the work of a
//! point.
//!
//! A forward pass that [saves](Layer::record) the intermediate values is followed by
//!
//! | pass | direction | result |
//! |---|---|---|
//! | `backward` | the adjoint `ȳ = ∂L/∂y`, backwards | the gradient |
//! | `jvp` | the tangent `ẏ` along `v`, forwards | the tangents of all inputs |
//! | `backward_jvp` | the tangent `ȳ̇` of the adjoint, backwards | `∇²L·v`, the tangent of the gradient along `v` |
//!
//! This is forward over reverse (Pearlmutter 1994). The first two passes run once for a point, the last two once for
//! each direction. A Hessian-vector product at a new point takes eight products with a weight; another product at the
//! same point takes six. Both terms of a sum such as `W·ẋ + Ẇ·x` are added where they are computed.
//!
//! No tape is built, and gradients of weights are written in place to the flat vector. Values that depend on the point
//! alone (saved values, adjoints, maxima of poolings, batch statistics) are shared by all products at the point, see
//! [`Curvature::products_at`](flatland_optim::Curvature::products_at).
//!
//! The layers that take most of the time have hand-written rules. [`autodiff_fallback`] differentiates the others with
//! burn's tape, one layer at a time: layer normalization, attention and the smooth activations except tanh, which the
//! paper's main networks do not use. Every rule is tested against the tape on whole networks.

mod autodiff_fallback;
mod batch_norm;
mod chunk;
mod conv2d;
mod elementwise;
mod flow;
mod linear;
mod node;
mod saved;
mod sequence;
mod slots;

pub(crate) use chunk::{Linearized, Model, Recorded};
pub(crate) use slots::Slots;
