use burn::tensor::Tensor;
use flatland_kernels::{
    batch_norm, batch_norm_gradient, batch_norm_gradient_tangent, batch_norm_tangent,
};

use super::Slots;
use super::slots::Purpose;
use crate::ops::ChannelStatistics;
use crate::running::Observation;
use crate::{BatchNorm2d, Dual, ForwardPass, ops};

/// The saved values of a [`BatchNorm2d`].
#[derive(Debug)]
pub(crate) struct SavedBatchNorm {
    /// The normalized input, `[batch, channels, height, width]`.
    normal: Tensor<4>,
    /// `1/√(variance + ε)`, `[channels]`.
    inverse: Tensor<1>,
    /// The adjoint of the output, after a backward pass.
    adjoint: Option<Tensor<4>>,
}

/// The tangents of a [`BatchNorm2d`]: of the normalized input, and the mean of the input's tangent along the normalized
/// input.
#[derive(Debug)]
pub(crate) struct BatchNormTangents {
    normal: Option<Tensor<4>>,
    along: Option<Tensor<1>>,
}

/// Saves `None` if the pass normalizes by running statistics: such a pass is not differentiated.
pub(super) fn record(
    layer: &BatchNorm2d,
    pass: &ForwardPass<'_>,
    input: Tensor<4>,
) -> (Tensor<4>, Option<SavedBatchNorm>) {
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
    let normalized = batch_norm(input, scale, shift, layer.epsilon);
    pass.observe(Observation {
        id: layer.running_mean.id,
        statistics: ChannelStatistics {
            mean: normalized.mean,
            variance: normalized.variance,
        },
        count: batch * height * width,
    });
    let saved = SavedBatchNorm {
        normal: normalized.normal,
        inverse: normalized.inverse,
        adjoint: None,
    };
    (normalized.output, Some(saved))
}

pub(super) fn backward(
    layer: &BatchNorm2d,
    pass: &ForwardPass<'_>,
    saved: &mut SavedBatchNorm,
    adjoint: Tensor<4>,
    purpose: &mut Purpose<'_, '_>,
) -> Tensor<4> {
    let scale = pass.parameter(&layer.weight).value;
    if purpose.saves_adjoints() {
        saved.adjoint = Some(adjoint.clone());
    }
    let (input_adjoint, scale_gradient, shift_gradient) =
        batch_norm_gradient(&saved.normal, &saved.inverse, &scale, adjoint);
    if let Purpose::Gradient(slots) = purpose {
        slots.put(&layer.weight, || scale_gradient);
        slots.put(&layer.bias, || shift_gradient);
    }
    input_adjoint
}

pub(super) fn jvp(
    layer: &BatchNorm2d,
    pass: &ForwardPass<'_>,
    saved: &SavedBatchNorm,
    tangent: Option<Tensor<4>>,
) -> (Tensor<4>, BatchNormTangents) {
    let [scale, shift] = [&layer.weight, &layer.bias].map(|param| pass.parameter(param));
    let tangent_of =
        |dual: &Dual<1>| (dual.tangent.clone()).unwrap_or_else(|| dual.value.zeros_like());
    let (output, normal, along) = batch_norm_tangent(
        &saved.normal,
        &saved.inverse,
        &scale.value,
        tangent,
        &tangent_of(&scale),
        &tangent_of(&shift),
    );
    (output, BatchNormTangents { normal, along })
}

pub(super) fn backward_jvp(
    layer: &BatchNorm2d,
    pass: &ForwardPass<'_>,
    saved: &SavedBatchNorm,
    tangents: BatchNormTangents,
    adjoint_tangent: Tensor<4>,
    slots: &mut Slots<'_>,
) -> Tensor<4> {
    let adjoint = saved.adjoint.as_ref().expect("a backward pass");
    let scale = pass.parameter(&layer.weight);
    let scale_tangent = scale.tangent.unwrap_or_else(|| scale.value.zeros_like());
    let (input_adjoint, scale_gradient, shift_gradient) = batch_norm_gradient_tangent(
        &saved.normal,
        &saved.inverse,
        &scale.value,
        &scale_tangent,
        adjoint,
        tangents.normal.as_ref(),
        tangents.along.as_ref(),
        adjoint_tangent,
    );
    slots.put(&layer.weight, || scale_gradient);
    slots.put(&layer.bias, || shift_gradient);
    input_adjoint
}
