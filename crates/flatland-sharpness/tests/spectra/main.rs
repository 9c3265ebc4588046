//! Eigenpairs, traces, densities and smoothness of matrices whose spectra are known.

mod density;
mod ends;
mod limits;
mod matrix;
mod pairing;
mod power;
mod random;
mod segment;
mod trace;
mod warm;
