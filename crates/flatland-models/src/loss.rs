//! The training losses.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use thiserror::Error;

use crate::{Dual, ops};

/// A training loss.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownLoss, parse_err_fn = unknown)]
pub enum Loss {
    /// Mean squared error: the mean over samples *and* classes of `(F(x) − y)²`, with one-hot `y`.
    ///
    /// Its Hessian in the last bias is `(2/K)·I` for `K` classes. Many papers use `½‖F(x) − y‖²` per sample instead,
    /// for which step sizes and sharpness differ by the factor `K/2`.
    Mse,
    /// Cross-entropy: the mean over samples of `−log softmax(F(x))` at the label.
    CrossEntropy,
}

/// The error of [`Loss::from_str`](std::str::FromStr::from_str) for an unknown name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a loss is \"mse\" or \"cross-entropy\"")]
pub struct UnknownLoss;

fn unknown(_: &str) -> UnknownLoss {
    UnknownLoss
}

impl Loss {
    /// All losses.
    pub const ALL: [Self; 2] = [Self::Mse, Self::CrossEntropy];

    /// The name in configurations and records, `"mse"` or `"cross-entropy"`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The share of a batch in the mean loss over `samples` samples.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch, classes]`
    /// - targets: `[batch, classes]`, one-hot
    /// - output: `[1]`
    pub fn share_of_mean(self, logits: Dual<2>, targets: Tensor<2>, samples: usize) -> Dual<1> {
        let [_, classes] = logits.dims();
        // Multiplies by reciprocals: the backward pass of burn 0.22.1 rounds the reciprocal of a divisor to f32.
        match self {
            Self::Mse => {
                let weight = 1.0 / (samples * classes) as f64;
                let residual = logits.value - targets;
                Dual {
                    tangent: (logits.tangent)
                        .map(|t| (residual.clone() * t).sum() * (2.0 * weight)),
                    value: residual.square().sum() * weight,
                }
            }
            Self::CrossEntropy => ops::log_softmax(logits)
                .map_linear(|x| (x * targets.clone()).sum() * (-1.0 / samples as f64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_are_refused() {
        assert_eq!(Loss::ALL.map(Loss::name), ["mse", "cross-entropy"]);
        for loss in Loss::ALL {
            assert_eq!(loss.name().parse(), Ok(loss));
            assert_eq!(format!("{loss:>14}|"), format!("{:>14}|", loss.name()));
            let value = serde_json::to_value(loss).unwrap();
            assert_eq!(value, loss.name());
        }
        let error = "hinge".parse::<Loss>().unwrap_err();
        assert_eq!(error.to_string(), r#"a loss is "mse" or "cross-entropy""#);
    }
}
