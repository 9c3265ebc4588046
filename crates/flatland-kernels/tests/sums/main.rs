//! Sums of convolutions and of linear layers, and their gradients, compared with burn's operators and burn's tape.

mod convolutions;
mod flat;
mod linear;

#[path = "../common/mod.rs"]
mod common;

use burn::tensor::{DType, Tensor};
use common::{numbers, tensor};
use flatland_kernels::Flat;

/// The gaps before and after a gradient in a flat vector.
const GAPS: [usize; 2] = [3, 5];

/// The part that `write` writes to a flat vector, whose gaps must stay zero.
fn written(
    length: usize,
    dtype: DType,
    write: impl FnOnce(&mut Flat, std::ops::Range<usize>),
) -> Vec<f64> {
    let [before, after] = GAPS;
    let all = before + length + after;
    let mut flat = Flat::zeros_like(&tensor([all], 9, dtype));
    write(&mut flat, before..before + length);
    let all = numbers(flat.into_tensor());
    let gaps = all[..before].iter().chain(&all[before + length..]);
    assert!(gaps.into_iter().all(|number| *number == 0.0));
    all[before..before + length].to_vec()
}

fn abs<const D: usize>(tensors: &[Tensor<D>]) -> Vec<Tensor<D>> {
    tensors.iter().map(|tensor| tensor.clone().abs()).collect()
}

fn pairs<'a, const D: usize>(
    left: &'a [Tensor<D>],
    right: &'a [Tensor<D>],
) -> Vec<[&'a Tensor<D>; 2]> {
    left.iter().zip(right).map(|(l, r)| [l, r]).collect()
}
