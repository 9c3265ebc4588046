//! Flat vectors that are written part by part.

use burn::tensor::DType;
use flatland_kernels::{Flat, convolve_weight_gradient, linear_weight_gradient};

use crate::common::{numbers, tensor};

#[test]
fn parts_are_written_in_any_order() {
    let mut flat = Flat::zeros_like(&tensor([9], 1, DType::F32));
    flat.put(6..8, tensor([2], 2, DType::F32));
    flat.put(1..4, tensor([3], 3, DType::F32));
    let [two, three] = [(2, 2), (3, 3)].map(|(n, seed)| numbers(tensor([n], seed, DType::F32)));
    let zeros = |n| vec![0.0; n];
    let expected = [zeros(1), three, zeros(2), two, zeros(1)].concat();
    assert_eq!(numbers(flat.into_tensor()), expected);
}

#[test]
#[should_panic(expected = "a part fills its range")]
fn a_part_of_another_length_is_refused() {
    Flat::zeros_like(&tensor([9], 1, DType::F32)).put(2..4, tensor([3], 1, DType::F32));
}

#[test]
#[should_panic(expected = "out of range")]
fn a_part_past_the_end_is_refused() {
    Flat::zeros_like(&tensor([9], 1, DType::F32)).put(8..11, tensor([3], 1, DType::F32));
}

#[test]
#[should_panic(expected = "a gradient fills its range")]
fn a_range_of_another_length_is_refused() {
    let tensor = |shape: [usize; 4]| tensor(shape, 1, DType::F32);
    let (input, gradient) = (tensor([2, 3, 4, 4]), tensor([2, 5, 4, 4]));
    let mut flat = Flat::zeros_like(&crate::tensor([90], 1, DType::F32));
    convolve_weight_gradient(&[[&input, &gradient]], [5, 3, 3, 3], 1, 1, &mut flat, 0..90);
}

#[test]
#[should_panic(expected = "a gradient fills its range")]
fn a_range_of_another_length_is_refused_for_a_linear_layer() {
    let tensor = |shape: [usize; 2]| tensor(shape, 1, DType::F32);
    let (gradient, input) = (tensor([4, 5]), tensor([4, 3]));
    let mut flat = Flat::zeros_like(&crate::tensor([20], 1, DType::F32));
    linear_weight_gradient(&[[&gradient, &input]], &mut flat, 0..16);
}
