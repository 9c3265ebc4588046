//! Self-attention.

use crate::Dual;
use crate::dual::sum_tangents;
use crate::ops::softmax;

/// Self-attention with several heads: in each head `softmax(Q·Kᵀ/√width)·V`.
///
/// # Shapes
///
/// - input: `[batch, tokens, 3·heads·width]`: the queries of all heads, then the keys, then the values
/// - output: `[batch, tokens, heads·width]`
///
/// # Panics
///
/// Panics if `3·heads` does not divide the number of features.
///
/// # References
///
/// - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, section 3.2.
pub fn self_attention(input: Dual<3>, heads: usize) -> Dual<3> {
    let [batch, tokens, features] = input.dims();
    assert_eq!(
        features % (3 * heads),
        0,
        "{features} features, {heads} heads"
    );
    let width = features / (3 * heads);
    // [3, batch, heads, tokens, width]
    let parts = input.map_linear(|x| {
        x.reshape([batch, tokens, 3, heads, width])
            .permute([2, 0, 3, 1, 4])
    });
    let part = |index: usize| -> Dual<4> {
        (parts.clone()).map_linear(|x| x.slice(index..index + 1).squeeze_dim(0))
    };
    let (queries, keys, values) = (part(0), part(1), part(2));
    let scale = 1.0 / (width as f64).sqrt();
    let scores = matmul(queries, keys.map_linear(|k| k.transpose())).map_linear(|x| x * scale);
    matmul(softmax(scores), values)
        .map_linear(|x| x.swap_dims(1, 2).reshape([batch, tokens, heads * width]))
}

/// The matrix products of two batches of matrices.
fn matmul(left: Dual<4>, right: Dual<4>) -> Dual<4> {
    let from_left = (left.tangent).map(|tangent| tangent.matmul(right.value.clone()));
    let from_right = (right.tangent).map(|tangent| left.value.clone().matmul(tangent));
    Dual {
        value: left.value.matmul(right.value),
        tangent: sum_tangents([from_left, from_right]),
    }
}
