//! The training losses.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{Dual, ops};

/// What a network is trained to make small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Mean squared error, the mean over samples *and* classes of `(F(x) − y)²` with one-hot `y`.
    ///
    /// Its Hessian in the last bias is `(2/K)·I`. Many papers use `½‖F(x) − y‖²` per sample instead: step sizes and
    /// sharpness then differ by the factor `K/2`.
    Mse,
    /// Cross-entropy, the mean over samples of `−log softmax(F(x))` at the label.
    CrossEntropy,
}

impl Loss {
    /// The share of some samples in the mean loss over `samples` of them.
    ///
    /// # Shapes
    ///
    /// - logits: `[batch, classes]`
    /// - targets: `[batch, classes]`, one-hot
    /// - output: `[1]`
    pub fn share_of_mean(self, logits: Dual<2>, targets: Tensor<2>, samples: usize) -> Dual<1> {
        let [_, classes] = logits.dims();
        // Multiplied by reciprocals throughout: burn 0.22.1 rounds the reciprocal of a divisor to f32 on the way back.
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
