use burn::tensor::Tensor;
use flatland_kernels::{
    batch_norm, batch_norm_gradient, batch_norm_gradient_tangent, batch_norm_tangent,
};

use super::Slots;
use super::slots::Purpose;
use crate::ops::ChannelStatistics;
use crate::running::Observation;
use crate::{BatchNorm2d, Dual, Pass, ops};

#[derive(Debug)]
pub(crate) struct Kept {
    /// The normalized input, `[batch, channels, height, width]`.
    normal: Tensor<4>,
    /// `1/√(variance + ε)`, `[channels]`.
    inverse: Tensor<1>,
    /// Of the output, after a reverse pass.
    adjoint: Option<Tensor<4>>,
}

/// The tangent of the normalized input, and the mean of its input's tangent along the normalized input.
#[derive(Debug)]
pub(crate) struct Moved {
    normal: Option<Tensor<4>>,
    along: Option<Tensor<1>>,
}

/// Nothing is kept where the pass brings running statistics: it only classifies.
pub(super) fn record(
    layer: &BatchNorm2d,
    pass: &Pass<'_>,
    input: Tensor<4>,
) -> (Tensor<4>, Option<Kept>) {
    let [batch, _, height, width] = input.dims();
    let [scale, shift] = [&layer.weight, &layer.bias].map(|param| pass.parameter(param).value);
    if let Some(running) = pass.running(layer.running_mean.id) {
        let (input, scale, shift) = (
            Dual::constant(input),
            Dual::constant(scale),
            Dual::constant(shift),
        );
        let output = ops::batch_norm_with(input, scale, shift, running, layer.epsilon);
        return (output.value, None);
    }
    let made = batch_norm(input, scale, shift, layer.epsilon);
    pass.observe(Observation {
        id: layer.running_mean.id,
        statistics: ChannelStatistics {
            mean: made.mean,
            variance: made.variance,
        },
        count: batch * height * width,
    });
    let kept = Kept {
        normal: made.normal,
        inverse: made.inverse,
        adjoint: None,
    };
    (made.output, Some(kept))
}

pub(super) fn pull(
    layer: &BatchNorm2d,
    pass: &Pass<'_>,
    kept: &mut Kept,
    adjoint: Tensor<4>,
    purpose: &mut Purpose<'_, '_>,
) -> Tensor<4> {
    let scale = pass.parameter(&layer.weight).value;
    if let Purpose::Tangents = purpose {
        kept.adjoint = Some(adjoint.clone());
    }
    let (pulled, to_scale, to_shift) =
        batch_norm_gradient(&kept.normal, &kept.inverse, &scale, adjoint);
    if let Purpose::Gradient(slots) = purpose {
        slots.put(&layer.weight, || to_scale);
        slots.put(&layer.bias, || to_shift);
    }
    pulled
}

pub(super) fn push(
    layer: &BatchNorm2d,
    pass: &Pass<'_>,
    kept: &Kept,
    tangent: Option<Tensor<4>>,
) -> (Tensor<4>, Moved) {
    let [scale, shift] = [&layer.weight, &layer.bias].map(|param| pass.parameter(param));
    let tangent_of =
        |dual: &Dual<1>| (dual.tangent.clone()).unwrap_or_else(|| dual.value.zeros_like());
    let (output, normal, along) = batch_norm_tangent(
        &kept.normal,
        &kept.inverse,
        &scale.value,
        tangent,
        &tangent_of(&scale),
        &tangent_of(&shift),
    );
    (output, Moved { normal, along })
}

pub(super) fn pull_tangent(
    layer: &BatchNorm2d,
    pass: &Pass<'_>,
    kept: &Kept,
    moved: Moved,
    along: Tensor<4>,
    slots: &mut Slots<'_>,
) -> Tensor<4> {
    let adjoint = kept.adjoint.as_ref().expect("a reverse pass");
    let scale = pass.parameter(&layer.weight);
    let scale_tangent = scale.tangent.unwrap_or_else(|| scale.value.zeros_like());
    let (pulled, to_scale, to_shift) = batch_norm_gradient_tangent(
        &kept.normal,
        &kept.inverse,
        &scale.value,
        &scale_tangent,
        adjoint,
        moved.normal.as_ref(),
        moved.along.as_ref(),
        along,
    );
    slots.put(&layer.weight, || to_scale);
    slots.put(&layer.bias, || to_shift);
    pulled
}
