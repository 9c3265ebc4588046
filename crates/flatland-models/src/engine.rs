//! Reverse and tangent passes by hand: gradients, and Hessian-vector products at a point that is kept.
//!
//! A forward pass that [keeps](Layer::record) what the derivatives need is followed by
//!
//! | pass | from layer to layer | what it yields |
//! |---|---|---|
//! | reverse | the adjoint `ȳ = ∂L/∂y`, backwards | the gradient |
//! | tangent | the tangent `ẏ` along `v`, forwards | the tangents of all inputs |
//! | tangent of the reverse pass | the tangent `ȳ̇` of the adjoint, backwards | `∇²L·v`, the tangent of the gradient along `v` |
//!
//! This is forward over reverse (Pearlmutter 1994). The first two are made once for a point, the others once for each
//! direction: of the eight products with a weight that a new Hessian-vector product takes, a further one at the same point
//! takes six. Both terms of a sum such as `W·ẋ + Ẇ·x` are added where they are computed.
//!
//! Layers in which networks spend their time have rules of their own; the others are differentiated by burn's tape,
//! one layer at a time ([`other`]). Every rule is tested against the tape on whole networks.

mod batch_norm;
mod chunk;
mod conv2d;
mod elementwise;
mod flow;
mod linear;
mod node;
mod other;
mod sequence;
mod slots;

pub(crate) use chunk::{Linearized, Model, Recorded};
pub(crate) use slots::Slots;
