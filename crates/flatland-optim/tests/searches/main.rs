//! The line searches on functions with known answers.

mod cases;
mod invariants;
mod parameters;
mod replay;
mod toys;
