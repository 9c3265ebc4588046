//! Sums of convolutions.

use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor, module};
use flatland_kernels::{
    convolve, convolve_bias_gradient, convolve_input_gradient, convolve_weight_gradient,
};
use proptest::prelude::*;

use crate::common::{TYPES, assert_close, assert_same_on_threads, has_output, numbers, tensor};
use crate::{abs, pairs, written};

#[derive(Debug, Clone)]
struct Case {
    input: [usize; 4],
    weight: [usize; 4],
    terms: usize,
    bias: bool,
    stride: usize,
    padding: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    // Includes images of one pixel, and groups of more than eight images.
    let sizes = (1usize..=20, 1usize..=9, 1usize..=9, 1usize..=9, 1usize..=9);
    let kernels = (1usize..=5, 1usize..=5, 1usize..=2, 0usize..=2);
    (sizes, kernels, 1usize..=2, any::<bool>())
        .prop_map(
            |(
                (batch, c_in, c_out, height, width),
                (rows, columns, stride, padding),
                terms,
                bias,
            )| {
                Case {
                    input: [batch, c_in, height, width],
                    weight: [c_out, c_in, rows, columns],
                    terms,
                    bias,
                    stride,
                    padding,
                }
            },
        )
        .prop_filter("an output", |case| {
            has_output(case.input, case.weight, case.padding)
        })
}

struct Tensors {
    inputs: Vec<Tensor<4>>,
    weights: Vec<Tensor<4>>,
    gradients: Vec<Tensor<4>>,
    bias: Option<Tensor<1>>,
}

fn tensors(case: &Case, dtype: DType) -> Tensors {
    let along =
        |axis: usize| (case.input[axis] + 2 * case.padding - case.weight[axis]) / case.stride + 1;
    let output = [case.input[0], case.weight[0], along(2), along(3)];
    let some = |shape: [usize; 4], seed: u64| {
        (0..case.terms as u64)
            .map(|term| tensor(shape, seed + term, dtype))
            .collect()
    };
    Tensors {
        inputs: some(case.input, 10),
        weights: some(case.weight, 20),
        gradients: some(output, 30),
        bias: case.bias.then(|| tensor([case.weight[0]], 40, dtype)),
    }
}

impl Tensors {
    fn abs(&self) -> Self {
        Self {
            inputs: abs(&self.inputs),
            weights: abs(&self.weights),
            gradients: abs(&self.gradients),
            bias: self.bias.clone().map(Tensor::abs),
        }
    }
}

/// Output and gradients at input, weight and bias, by this crate.
fn own(case: &Case, dtype: DType) -> [Vec<f64>; 4] {
    let Tensors {
        inputs,
        weights,
        gradients,
        bias,
    } = tensors(case, dtype);
    let (stride, padding) = (case.stride, case.padding);
    let output = convolve(&pairs(&inputs, &weights), bias.as_ref(), stride, padding);
    let terms = pairs(&weights, &gradients);
    let input = convolve_input_gradient(&terms, case.input, stride, padding);
    let terms = pairs(&inputs, &gradients);
    let weight = written(case.weight.iter().product(), dtype, |flat, range| {
        convolve_weight_gradient(&terms, case.weight, stride, padding, flat, range);
    });
    let bias = convolve_bias_gradient(&gradients[0]);
    [numbers(output), numbers(input), weight, numbers(bias)]
}

/// The same, term by term, by burn.
fn stock(
    case: &Case,
    Tensors {
        inputs,
        weights,
        gradients,
        bias,
    }: Tensors,
) -> [Vec<f64>; 4] {
    let options = || ConvOptions::new([case.stride; 2], [case.padding; 2], [1; 2], 1);
    let mut sums: Option<[Tensor<4>; 3]> = None;
    let mut bias_gradient = None;
    for ((input, weight), gradient) in inputs.into_iter().zip(weights).zip(gradients) {
        let [input, weight] = [input, weight].map(|t| Tensor::from_inner(t).require_grad());
        let zeros = Tensor::<1>::zeros([case.weight[0]], (&Device::flex(), DType::F64));
        let point = Tensor::from_inner(zeros).require_grad();
        let output = module::conv2d(
            input.clone(),
            weight.clone(),
            Some(point.clone()),
            options(),
        );
        let tape = (output.clone() * Tensor::from_inner(gradient))
            .sum()
            .backward();
        bias_gradient = bias_gradient.or_else(|| point.grad(&tape));
        let term = [
            output.inner(),
            input.grad(&tape).unwrap(),
            weight.grad(&tape).unwrap(),
        ];
        sums = Some(match sums {
            None => term,
            Some([output, input, weight]) => {
                let [o, i, w] = term;
                [output + o, input + i, weight + w]
            }
        });
    }
    let [mut output, input, weight] = sums.unwrap();
    if let Some(bias) = bias {
        output = output + bias.reshape([1, case.weight[0], 1, 1]);
    }
    [
        numbers(output),
        numbers(input),
        numbers(weight),
        numbers(bias_gradient.unwrap()),
    ]
}

fn compare(case: &Case) {
    let tensors = tensors(case, DType::F64);
    let magnitudes = stock(case, tensors.abs());
    let expected = stock(case, tensors);
    for (dtype, tolerance) in TYPES {
        let case_and_type = format!("{case:?}, {dtype:?}");
        let found = own(case, dtype);
        assert_close(&case_and_type, &found, &expected, &magnitudes, tolerance);
    }
}

/// Shapes for each way in which the work is divided, with one term and two.
fn divided() -> Vec<Case> {
    let shapes = [
        ([70, 48, 8, 8], [40, 48, 1, 1], 1, 0),
        ([35, 64, 4, 4], [16, 64, 3, 3], 1, 1),
        ([35, 16, 8, 8], [48, 16, 3, 3], 2, 1),
        ([33, 160, 2, 2], [200, 160, 3, 3], 1, 1),
        ([35, 96, 1, 1], [72, 96, 3, 3], 1, 1),
        ([35, 12, 2, 2], [20, 12, 1, 1], 2, 0),
        ([9, 3, 32, 32], [10, 3, 7, 7], 2, 3),
    ];
    let cases = shapes.into_iter().map(|(input, weight, stride, padding)| {
        [1, 2].map(|terms| Case {
            input,
            weight,
            terms,
            bias: terms == 2,
            stride,
            padding,
        })
    });
    cases.flatten().collect()
}

#[test]
fn shapes_that_are_divided() {
    divided().iter().for_each(compare);
}

#[test]
fn threads_do_not_change_a_bit() {
    for case in divided() {
        assert_same_on_threads(&format!("{case:?}"), || own(&case, DType::F32));
    }
}

proptest! {
    #[test]
    fn any_convolutions(case in cases()) {
        compare(&case);
    }
}
