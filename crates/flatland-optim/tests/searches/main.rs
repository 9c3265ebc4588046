//! The line searches on functions with known answers.

mod cases;
mod invariants;
mod toys;
