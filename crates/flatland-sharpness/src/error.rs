//! What can go wrong in an eigenvalue computation.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An option lies outside its allowed range.
    #[error("{option} must be {allowed}, but is {value}")]
    InvalidOption {
        /// The option's name, as the configuration spells it.
        option: &'static str,
        /// The value it was given.
        value: f64,
        /// The values it may take, as a phrase that follows "must be".
        allowed: String,
    },
    /// A product of the operator holds a `NaN` or an infinity, or overflows when its norm is taken.
    #[error(
        "product {product} of the operator is not finite; \
         the point it is taken at has probably diverged: check the loss there"
    )]
    NonFiniteProduct {
        /// The number of the product, from 1.
        product: usize,
    },
    /// A start vector is zero or not finite, so that it has no direction.
    #[error("start vector {index} must have a positive and finite norm, but its norm is {norm}")]
    InvalidStart {
        /// The place of the vector among the start vectors, from 0.
        index: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
    /// A vector does not fit the operator.
    #[error("{vector} must have {expected} entries as the operator has, but has {actual}")]
    WrongLength {
        /// Which vector it is.
        vector: &'static str,
        /// The operator's dimension.
        expected: usize,
        /// The vector's length.
        actual: usize,
    },
}

/// `Ok` if the option `is_allowed`, otherwise the error that names it.
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

/// `Ok` if the vector has as many entries as the operator.
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
