//! The errors of this crate.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter of a method is outside its range.
    #[error("{parameter} must be {allowed}, but is {value}")]
    InvalidParameter {
        /// The name of the parameter in the configuration.
        parameter: &'static str,
        /// The value of the parameter.
        value: f64,
        /// The allowed values, as a phrase after "must be".
        allowed: &'static str,
    },
    /// No method has this name.
    #[error("there is no method {name:?}; the methods are {}", known.join(", "))]
    UnknownMethod {
        /// The name.
        name: String,
        /// The names of all methods.
        known: &'static [&'static str],
    },
}

impl From<Error> for String {
    /// The message of the error, for functions whose errors are messages.
    fn from(error: Error) -> Self {
        error.to_string()
    }
}

/// Returns [`Error::InvalidParameter`] unless the parameter `is_allowed`.
pub(crate) fn require(
    is_allowed: bool,
    parameter: &'static str,
    value: f64,
    allowed: &'static str,
) -> Result<(), Error> {
    if is_allowed {
        Ok(())
    } else {
        Err(Error::InvalidParameter {
            parameter,
            value,
            allowed,
        })
    }
}

/// Returns [`Error::InvalidParameter`] unless the parameter is positive and finite.
pub(crate) fn require_positive(parameter: &'static str, value: f64) -> Result<(), Error> {
    let is_allowed = value > 0.0 && value.is_finite();
    require(is_allowed, parameter, value, "positive and finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_parameter_its_range_and_its_value() {
        let error = require(false, "sufficient_decrease", 1.5, "in (0, 1)").unwrap_err();
        assert_eq!(
            error.to_string(),
            "sufficient_decrease must be in (0, 1), but is 1.5"
        );
    }

    #[test]
    fn positive_excludes_zero_infinity_and_nan() {
        assert_eq!(require_positive("step_size", 0.1), Ok(()));
        for value in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            let message = require_positive("step_size", value)
                .unwrap_err()
                .to_string();
            assert_eq!(
                message,
                format!("step_size must be positive and finite, but is {value}")
            );
        }
    }
}
