//! The result of a batch normalization.

use burn::tensor::Tensor;

/// What [`batch_norm`](crate::batch_norm) returns.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    /// `γ x̂ + β`, `[batch, channels, height, width]`.
    pub output: Tensor<4>,
    /// The normalized input `x̂`, `[batch, channels, height, width]`.
    pub normal: Tensor<4>,
    /// `s = 1/√(σ² + ε)`, `[channels]`.
    pub inverse: Tensor<1>,
    /// `μ`, `[channels]`.
    pub mean: Tensor<1>,
    /// The biased variance `σ²`, `[channels]`.
    pub variance: Tensor<1>,
}
