//! Batch and layer normalization.

use burn::tensor::{Tensor, module};

use crate::Dual;
use crate::dual::sum_tangents;

/// The mean and the biased variance of each channel over a batch, without a tape.
#[derive(Debug, Clone)]
pub struct ChannelStatistics {
    /// The mean, `[channels]`.
    pub mean: Tensor<1>,
    /// The mean squared deviation, `[channels]`.
    pub variance: Tensor<1>,
}

/// Batch normalization by the statistics of the batch: `y = γ·(x − mean)/√(variance + ε) + β` in each channel. Returns
/// the statistics too.
///
/// # Shapes
///
/// - input and output: `[batch, channels, height, width]`
/// - scale `γ`, shift `β`: `[channels]`
///
/// # References
///
/// - S. Ioffe, C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
///   Shift*, ICML 2015.
pub fn batch_norm(
    input: Dual<4>,
    scale: Dual<1>,
    shift: Dual<1>,
    epsilon: f64,
) -> (Dual<4>, ChannelStatistics) {
    let has_tangent = input.tangent.is_some() || scale.tangent.is_some() || shift.tangent.is_some();
    if !has_tangent {
        let fused = module::batch_norm_train(input.value, scale.value, shift.value, epsilon);
        let statistics = ChannelStatistics {
            mean: fused.mean.without_autodiff(),
            variance: fused.variance.without_autodiff(),
        };
        return (Dual::constant(fused.output), statistics);
    }
    // burn differentiates its fused operation once. The tangent is differentiated a second time, so it is composed of
    // primitive operations.
    let [_, channels, _, _] = input.dims();
    let by_channel = |x: Tensor<1>| x.reshape([1, channels, 1, 1]);
    let mean = |x: Tensor<4>| x.mean_dims(&[0usize, 2, 3]);
    let center = mean(input.value.clone());
    let deviation = input.value - center.clone();
    let variance = mean(deviation.clone().square());
    let inverse = (variance.clone() + epsilon).sqrt().recip();
    let normal = deviation * inverse.clone();
    let scale_value = by_channel(scale.value);

    // The derivative of the normalized input is the part of ẋ/σ that changes neither mean nor variance.
    let from_input = input.tangent.map(|x| {
        let x = x.clone() - mean(x);
        let along_normal = mean(x.clone() * normal.clone());
        (x - normal.clone() * along_normal) * (inverse * scale_value.clone())
    });
    let from_scale = scale
        .tangent
        .map(|scale| normal.clone() * by_channel(scale));
    let from_shift = shift
        .tangent
        .map(|shift| by_channel(shift).expand(normal.dims()));
    let tangent = sum_tangents([from_input, from_scale, from_shift]);
    let statistics = ChannelStatistics {
        mean: center.without_autodiff().reshape([channels]),
        variance: variance.without_autodiff().reshape([channels]),
    };
    let value = normal * scale_value + by_channel(shift.value);
    (Dual { value, tangent }, statistics)
}

/// Batch normalization by given statistics: an affine map of each channel.
///
/// # Shapes
///
/// See [`batch_norm`].
pub fn batch_norm_with(
    input: Dual<4>,
    scale: Dual<1>,
    shift: Dual<1>,
    statistics: &ChannelStatistics,
    epsilon: f64,
) -> Dual<4> {
    let [_, channels, _, _] = input.dims();
    let by_channel = |x: Tensor<1>| x.reshape([1, channels, 1, 1]);
    let mean = by_channel(statistics.mean.clone());
    let inverse = by_channel((statistics.variance.clone() + epsilon).sqrt().recip());
    let scale_value = by_channel(scale.value);
    let normal = (input.value - mean) * inverse.clone();
    let from_input = input.tangent.map(|x| x * (inverse * scale_value.clone()));
    let from_scale = scale
        .tangent
        .map(|scale| normal.clone() * by_channel(scale));
    let from_shift = shift
        .tangent
        .map(|shift| by_channel(shift).expand(normal.dims()));
    let tangent = sum_tangents([from_input, from_scale, from_shift]);
    Dual {
        value: normal * scale_value + by_channel(shift.value),
        tangent,
    }
}

/// Layer normalization over the last axis: `y = γ·(x − mean)/√(variance + ε) + β` in each row of features.
///
/// # Shapes
///
/// - input and output: `[…, features]`
/// - scale `γ`, shift `β`: `[features]`
///
/// # References
///
/// - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer Normalization*, arXiv 1607.06450.
pub fn layer_norm<const D: usize>(
    input: Dual<D>,
    scale: Dual<1>,
    shift: Dual<1>,
    epsilon: f64,
) -> Dual<D> {
    let mean = |x: Tensor<D>| x.mean_dim(D - 1);
    let deviation = input.value.clone() - mean(input.value);
    let inverse = (mean(deviation.clone().square()) + epsilon).sqrt().recip();
    let normal = deviation * inverse.clone();
    let scale_value = scale.value.unsqueeze::<D>();
    let from_input = input.tangent.map(|x| {
        let x = x.clone() - mean(x);
        let along_normal = mean(x.clone() * normal.clone());
        (x - normal.clone() * along_normal) * inverse * scale_value.clone()
    });
    let from_scale = (scale.tangent).map(|scale| normal.clone() * scale.unsqueeze());
    let from_shift = (shift.tangent).map(|shift| shift.unsqueeze::<D>().expand(normal.dims()));
    let tangent = sum_tangents([from_input, from_scale, from_shift]);
    Dual {
        value: normal * scale_value + shift.value.unsqueeze(),
        tangent,
    }
}
