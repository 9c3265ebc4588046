//! The operators as compositions of burn's operators, for tensors that the loops of this crate do not support and as
//! the reference of the tests.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, activation};

use super::normalized::BatchNorm;

pub(super) fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::relu(x)
}

pub(super) fn gate<const D: usize>(signal: Tensor<D>, output: Tensor<D>) -> Tensor<D> {
    signal.mask_fill(output.lower_equal_elem(0), 0)
}

pub(super) fn max_pool2d_scatter(
    gradient: Tensor<4>,
    winners: Tensor<4, Int>,
    size: [usize; 2],
) -> Tensor<4> {
    let [batch, channels, height, width] = gradient.dims();
    let [rows, columns] = size;
    let images = Tensor::zeros(
        [batch, channels, rows * columns],
        (&gradient.device(), gradient.dtype()),
    );
    let pixels = [batch, channels, height * width];
    let (places, gradient) = (winners.reshape(pixels), gradient.reshape(pixels));
    images
        .scatter(2, places, gradient, IndexingUpdateOp::Add)
        .reshape([batch, channels, rows, columns])
}

pub(super) fn max_pool2d_gather(tangent: Tensor<4>, winners: Tensor<4, Int>) -> Tensor<4> {
    let [batch, channels, rows, columns] = tangent.dims();
    let shape @ [.., height, width] = winners.dims();
    let places = winners.reshape([batch, channels, height * width]);
    tangent
        .reshape([batch, channels, rows * columns])
        .gather(2, places)
        .reshape(shape)
}

/// The mean over batch and pixels, `[1, channels, 1, 1]`.
fn mean(x: Tensor<4>) -> Tensor<4> {
    x.mean_dims(&[0usize, 2, 3])
}

/// A vector of channels, as `[1, channels, 1, 1]`.
fn spread(x: &Tensor<1>) -> Tensor<4> {
    let [channels] = x.dims();
    x.clone().reshape([1, channels, 1, 1])
}

/// The inverse of [`spread`], `[channels]`.
fn flat(x: Tensor<4>) -> Tensor<1> {
    let [_, channels, _, _] = x.dims();
    x.reshape([channels])
}

/// The number of entries of a channel.
fn count([batch, _, height, width]: [usize; 4]) -> f64 {
    (batch * height * width) as f64
}

pub(super) fn batch_norm(
    x: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    epsilon: f64,
) -> BatchNorm {
    let center = mean(x.clone());
    let deviation = x - center.clone();
    let variance = mean(deviation.clone().square());
    let inverse = (variance.clone() + epsilon).sqrt().recip();
    let normal = deviation * inverse.clone();
    BatchNorm {
        output: normal.clone() * spread(&scale) + spread(&shift),
        normal,
        inverse: flat(inverse),
        mean: flat(center),
        variance: flat(variance),
    }
}

pub(super) fn batch_norm_gradient(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    g: Tensor<4>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let count = count(g.dims());
    let (a, b) = (mean(g.clone()), mean(g.clone() * normal.clone()));
    let x =
        (g - a.clone() - normal.clone() * b.clone()) * spread(&(scale.clone() * inverse.clone()));
    (x, flat(b) * count, flat(a) * count)
}

pub(super) fn batch_norm_tangent(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    tangent: Option<Tensor<4>>,
    scale_tangent: &Tensor<1>,
    shift_tangent: &Tensor<1>,
) -> (Tensor<4>, Option<Tensor<4>>, Option<Tensor<1>>) {
    let parameters = normal.clone() * spread(scale_tangent) + spread(shift_tangent);
    let Some(x) = tangent else {
        return (parameters, None, None);
    };
    let along = mean(x.clone() * normal.clone());
    let normal_tangent = (x.clone() - mean(x) - normal.clone() * along.clone()) * spread(inverse);
    let output = normal_tangent.clone() * spread(scale) + parameters;
    (output, Some(normal_tangent), Some(flat(along)))
}

#[allow(clippy::too_many_arguments)]
pub(super) fn batch_norm_gradient_tangent(
    normal: &Tensor<4>,
    inverse: &Tensor<1>,
    scale: &Tensor<1>,
    scale_tangent: &Tensor<1>,
    g: &Tensor<4>,
    normal_tangent: Option<&Tensor<4>>,
    along: Option<&Tensor<1>>,
    h: Tensor<4>,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let count = count(h.dims());
    let (a, b) = (mean(g.clone()), mean(g.clone() * normal.clone()));
    let a_tangent = mean(h.clone());
    let mut product = h.clone() * normal.clone();
    let mut rest = h - a_tangent.clone();
    if let Some(normal_tangent) = normal_tangent {
        product = product + g.clone() * normal_tangent.clone();
        rest = rest - normal_tangent.clone() * b.clone();
    }
    let b_tangent = mean(product);
    rest = rest - normal.clone() * b_tangent.clone();
    let mut factor = scale_tangent.clone() * inverse.clone();
    if let Some(along) = along {
        factor = factor - scale.clone() * inverse.clone().square() * along.clone();
    }
    let x = (g.clone() - a - normal.clone() * b) * spread(&factor)
        + rest * spread(&(scale.clone() * inverse.clone()));
    (x, flat(b_tangent) * count, flat(a_tangent) * count)
}
