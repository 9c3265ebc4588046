//! Activation functions, elementwise, and softmax.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use burn::tensor::activation;

use crate::Dual;

/// `max(x, 0)`, element by element. The derivative at 0 is 0.
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

/// `x·Φ(x)` with the normal distribution function `Φ`, element by element (Hendrycks and Gimpel, arXiv 1606.08415).
pub fn gelu<const D: usize>(input: Dual<D>) -> Dual<D> {
    // Not burn's own: in 0.22.1 its reverse pass is that of the approximation by tanh, except on flex.
    let x = input.value;
    let distribution = ((x.clone() * FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    let tangent = input.tangent.map(|tangent| {
        let density = (x.clone().square() * -0.5).exp() * (0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI);
        tangent * (distribution.clone() + x.clone() * density)
    });
    Dual {
        value: x * distribution,
        tangent,
    }
}

/// `x·σ(x)` with the logistic function `σ`, element by element.
pub fn silu<const D: usize>(input: Dual<D>) -> Dual<D> {
    let sigmoid = activation::sigmoid(input.value.clone());
    let value = input.value * sigmoid.clone();
    let tangent = (input.tangent).map(|t| t * (sigmoid.clone() + value.clone() * (-sigmoid + 1.0)));
    Dual { value, tangent }
}

/// `x` if `x > 0`, else `exp x − 1`, element by element.
pub fn elu<const D: usize>(input: Dual<D>) -> Dual<D> {
    // exp min(x, 0), which is also the derivative. exp x alone overflows for large x.
    let slope = (-activation::relu(-input.value.clone())).exp();
    Dual {
        tangent: input.tangent.map(|tangent| tangent * slope.clone()),
        value: activation::relu(input.value) + slope - 1.0,
    }
}

/// `log(1 + exp x)`, element by element.
pub fn softplus<const D: usize>(input: Dual<D>) -> Dual<D> {
    let tangent = (input.tangent).map(|t| t * activation::sigmoid(input.value.clone()));
    Dual {
        value: -activation::log_sigmoid(-input.value),
        tangent,
    }
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

/// `exp x / Σ exp x`, along the last axis.
pub fn softmax<const D: usize>(input: Dual<D>) -> Dual<D> {
    let value = activation::softmax(input.value, D - 1);
    let tangent = input.tangent.map(|t| {
        let weighted = value.clone() * t;
        weighted.clone() - value.clone() * weighted.sum_dim(D - 1)
    });
    Dual { value, tangent }
}
