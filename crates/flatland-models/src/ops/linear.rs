//! Linear maps.

use burn::tensor::Tensor;

use crate::Dual;
use crate::dual::sum_tangents;

/// `y = x·Wᵀ + b`.
///
/// # Shapes
///
/// - input: `[batch, features_in]`
/// - weight: `[features_out, features_in]`, PyTorch's layout
/// - bias: `[features_out]`
/// - output: `[batch, features_out]`
pub fn linear(input: Dual<2>, weight: Dual<2>, bias: Option<Dual<1>>) -> Dual<2> {
    let (bias, bias_tangent) = bias.map_or((None, None), |b| (Some(b.value), b.tangent));
    let weight_value = weight.value.transpose();
    let value = add_bias(input.value.clone().matmul(weight_value.clone()), bias);
    let from_weight = weight.tangent.map(|w| input.value.matmul(w.transpose()));
    let from_input = input.tangent.map(|x| x.matmul(weight_value));
    let tangent = match (sum_tangents([from_weight, from_input]), bias_tangent) {
        (Some(tangent), bias) => Some(add_bias(tangent, bias)),
        (None, Some(bias)) => Some(bias.unsqueeze::<2>().expand(value.dims())),
        (None, None) => None,
    };
    Dual { value, tangent }
}

fn add_bias(output: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    match bias {
        Some(bias) => output + bias.unsqueeze(),
        None => output,
    }
}
