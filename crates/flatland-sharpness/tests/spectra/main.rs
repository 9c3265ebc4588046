//! Eigenpairs of matrices whose spectra are known.

mod ends;
mod limits;
mod matrix;
mod power;
mod random;
mod warm;
