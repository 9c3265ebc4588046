use burn::tensor::activation;

use crate::Dual;

/// `max(x, 0)`, element by element; its derivative at 0 is 0.
pub fn relu<const D: usize>(input: Dual<D>) -> Dual<D> {
    let tangent = input.tangent.map(|tangent| {
        let blocked = input.value.clone().detach().lower_equal_elem(0.0);
        tangent.mask_fill(blocked, 0.0)
    });
    Dual {
        value: activation::relu(input.value),
        tangent,
    }
}

/// `tanh x`, element by element.
pub fn tanh<const D: usize>(input: Dual<D>) -> Dual<D> {
    let value = input.value.tanh();
    let tangent = input.tangent.map(|t| t * (-value.clone().square() + 1.0));
    Dual { value, tangent }
}

/// `x − log Σ exp x`, along the classes.
///
/// # Shapes
///
/// - input and output: `[batch, classes]`
pub fn log_softmax(input: Dual<2>) -> Dual<2> {
    let value = activation::log_softmax(input.value, 1);
    let tangent = input.tangent.map(|t| {
        let mean = (value.clone().exp() * t.clone()).sum_dim(1);
        t - mean
    });
    Dual { value, tangent }
}
