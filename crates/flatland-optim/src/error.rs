//! What can be wrong with the parameters of a method.

use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter of a method lies outside its allowed range.
    #[error("{parameter} must be {allowed}, but is {value}")]
    InvalidParameter {
        /// The parameter's name, as the configuration spells it.
        parameter: &'static str,
        /// The value it was given.
        value: f64,
        /// The values it may take, as a phrase that follows "must be".
        allowed: &'static str,
    },
}

/// `Ok` if the parameter `is_allowed`, otherwise the error that names it.
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

/// `Ok` if the parameter is a positive finite number.
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
