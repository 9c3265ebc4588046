//! The methods on functions with known answers.

mod cases;
mod cdat;
mod invariants;
mod parameters;
mod replay;
mod sam;
mod theory;
mod toys;
mod warm_up;
