//! The errors of this crate.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is outside its range.
    #[error("{option} must be {allowed}, but is {value}")]
    InvalidOption {
        /// The name of the option in the configuration.
        option: &'static str,
        /// The value of the option.
        value: f64,
        /// The allowed values, as a phrase after "must be".
        allowed: String,
    },
    /// A product of the operator contains a `NaN` or an infinity, or its norm overflows.
    #[error(
        "product {product} of the operator is not finite; \
         the point it is taken at has probably diverged: check the loss there"
    )]
    NonFiniteProduct {
        /// The number of the product, from 1.
        product: usize,
    },
    /// A start vector is zero or not finite, and has no direction.
    #[error("start vector {index} must have a positive and finite norm, but its norm is {norm}")]
    InvalidStart {
        /// The index of the start vector, from 0.
        index: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// The length of a vector is not the dimension of the operator.
    #[error("{vector} must have {expected} entries as the operator has, but has {actual}")]
    WrongLength {
        /// The name of the vector.
        vector: &'static str,
        /// The operator's dimension.
        expected: usize,
        /// The length of the vector.
        actual: usize,
    },
}

/// Returns [`Error::InvalidOption`] unless the option `is_allowed`.
pub(crate) fn require(
    is_allowed: bool,
    option: &'static str,
    value: f64,
    allowed: impl Into<String>,
) -> Result<(), Error> {
    if is_allowed {
        Ok(())
    } else {
        Err(Error::InvalidOption {
            option,
            value,
            allowed: allowed.into(),
        })
    }
}

/// Returns [`Error::WrongLength`] unless the lengths are equal.
pub(crate) fn require_length(
    vector: &'static str,
    expected: usize,
    actual: usize,
) -> Result<(), Error> {
    if actual == expected {
        Ok(())
    } else {
        Err(Error::WrongLength {
            vector,
            expected,
            actual,
        })
    }
}
