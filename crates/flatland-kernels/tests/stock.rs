//! The operators compared with burn's operators.

mod common;

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, Tensor, module};
use common::{
    TYPES, assert_close, assert_same_on_threads, has_output, numbers, relative_error, tensor,
};
use flatland_kernels::{conv2d, max_pool2d};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Case {
    input: [usize; 4],
    weight: [usize; 4],
    bias: bool,
    stride: usize,
    padding: usize,
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..=9, 1usize..=9, 1usize..=9, 1usize..=20, 1usize..=20);
    let window = (
        1usize..=7,
        1usize..=7,
        any::<bool>(),
        1usize..=2,
        0usize..=3,
    );
    (sizes, window)
        .prop_map(
            |((batch, c_in, c_out, height, width), (rows, columns, bias, stride, padding))| Case {
                input: [batch, c_in, height, width],
                weight: [c_out, c_in, rows, columns],
                bias,
                stride,
                padding,
            },
        )
        .prop_filter("an output", |case| {
            has_output(case.input, case.weight, case.padding)
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Own,
    Stock,
    /// The stock operator, on the magnitudes of all numbers.
    Magnitudes,
}

/// The output and the gradients at input, weight and bias of `Σ c·y` with random `c`.
fn run(case: &Case, dtype: DType, by: By) -> Vec<Vec<f64>> {
    fn draw<const D: usize>(shape: [usize; D], seed: u64, dtype: DType, by: By) -> Tensor<D> {
        let tensor = tensor(shape, seed, dtype);
        Tensor::from_inner(match by {
            By::Magnitudes => tensor.abs(),
            By::Own | By::Stock => tensor,
        })
    }
    let input = draw(case.input, 1, dtype, by).require_grad();
    let weight = draw(case.weight, 2, dtype, by).require_grad();
    let bias = (case.bias).then(|| draw([case.weight[0]], 3, dtype, by).require_grad());
    let Case {
        stride, padding, ..
    } = *case;
    let output = if by == By::Own {
        conv2d(input.clone(), weight.clone(), bias.clone(), stride, padding)
    } else {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        module::conv2d(input.clone(), weight.clone(), bias.clone(), options)
    };
    let factors = draw(output.dims(), 4, dtype, by);
    let mut gradients = (output.clone() * factors).sum().backward();
    let mut results = vec![
        numbers(output.inner()),
        numbers(input.grad_remove(&mut gradients).unwrap()),
        numbers(weight.grad_remove(&mut gradients).unwrap()),
    ];
    results.extend(bias.map(|bias| numbers(bias.grad_remove(&mut gradients).unwrap())));
    results
}

fn compare(case: &Case) {
    // The stock operator in f64 is the reference of both types.
    let [expected, magnitudes] = [By::Stock, By::Magnitudes].map(|by| run(case, DType::F64, by));
    for (dtype, tolerance) in TYPES {
        let found = run(case, dtype, By::Own);
        let case = format!("{case:?}, {dtype:?}");
        assert_close(&case, &found, &expected, &magnitudes, tolerance);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_shape(case in cases()) {
        compare(&case);
    }
}

fn compare_pools(shape: [usize; 4], kernel: usize, stride: usize, padding: usize) {
    // Few values, so that some are equal, and −∞ and NaN.
    let values = tensor(shape, 1, DType::F64).round();
    let values = values
        .clone()
        .mask_fill(values.clone().lower_elem(-1.5), f64::NEG_INFINITY);
    let values = values.clone().mask_fill(values.greater_elem(2.5), f64::NAN);
    let run = |own: bool| {
        let input = Tensor::from_inner(values.clone()).require_grad();
        let (output, winners) = if own {
            max_pool2d(input.clone(), kernel, stride, padding)
        } else {
            let options = MaxPoolOptions::new([kernel; 2])
                .with_stride([stride; 2])
                .with_padding([padding; 2]);
            module::max_pool2d_with_indices(input.clone(), options)
        };
        let factors = Tensor::from_inner(tensor(output.dims(), 2, DType::F64));
        let places: Vec<i64> = winners.into_data().iter().collect();
        let mut gradients = (output.clone() * factors).sum().backward();
        let gradient = numbers(input.grad_remove(&mut gradients).unwrap());
        let bits = |numbers: Vec<f64>| numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        (bits(numbers(output.inner())), places, gradient)
    };
    let (output, places, gradient) = run(true);
    let (stock_output, stock_places, expected) = run(false);
    assert_eq!(output, stock_output, "{shape:?}");
    assert_eq!(places, stock_places, "{shape:?}");
    // A pixel that wins several windows adds their gradients, in an order that neither operator promises.
    let error = relative_error(&gradient, &expected, &expected);
    assert!(error < 1e-14, "{shape:?}: the gradient is off by {error:e}");
}

proptest! {
    #[test]
    fn any_pool(
        shape in [1usize..=3, 1usize..=4, 4usize..=20, 4usize..=20],
        kernel in 1usize..=4,
        stride in 1usize..=3,
        padding in 0usize..=2,
    ) {
        compare_pools(shape, kernel, stride, padding.min(kernel / 2));
    }

    #[test]
    fn pools_without_overlap(shape in [1usize..=3, 1usize..=4, 2usize..=40, 2usize..=40]) {
        compare_pools(shape, 2, 2, 0);
    }
}

/// Shapes that are divided in each of the ways there are: bands of a large image, groups of small ones (the last one
/// smaller), few and many tasks, one and several partial sums.
fn divided() -> Vec<Case> {
    let case = |input, weight, stride, padding| Case {
        input,
        weight,
        bias: true,
        stride,
        padding,
    };
    vec![
        case([3, 40, 40, 40], [24, 40, 3, 3], 1, 1),
        case([20, 3, 32, 32], [8, 3, 3, 3], 1, 1),
        case([67, 32, 8, 8], [16, 32, 3, 3], 1, 1),
        case([67, 64, 4, 4], [64, 64, 3, 3], 2, 1),
        case([33, 160, 2, 2], [200, 160, 3, 3], 1, 1),
        case([300, 16, 1, 1], [24, 16, 3, 3], 1, 1),
        case([70, 48, 8, 8], [40, 48, 1, 1], 1, 0),
        case([70, 48, 8, 8], [40, 48, 1, 1], 2, 0),
        case([9, 12, 20, 20], [10, 12, 1, 1], 1, 0),
        case([9, 3, 32, 32], [10, 3, 7, 7], 2, 3),
        case([5, 3, 1, 1], [4, 3, 5, 5], 2, 3),
    ]
}

#[test]
fn shapes_that_are_divided() {
    divided().iter().for_each(compare);
}

#[test]
fn threads_do_not_change_a_bit() {
    for case in divided() {
        assert_same_on_threads(&format!("{case:?}"), || run(&case, DType::F32, By::Own));
    }
}

#[test]
fn an_input_and_a_weight_may_be_views() {
    let (input, weight) = (
        tensor([2, 6, 5, 3], 1, DType::F64),
        tensor([3, 3, 4, 2], 2, DType::F64),
    );
    let views = |own: bool| {
        let input = input.clone().slice([0..2, 2..5]).swap_dims(2, 3);
        let weight = weight.clone().swap_dims(0, 2).slice([1..4, 0..3]);
        let output = if own {
            conv2d(input, weight, None, 1, 1)
        } else {
            let options = ConvOptions::new([1; 2], [1; 2], [1; 2], 1);
            module::conv2d(input, weight, None, options)
        };
        numbers(output)
    };
    let expected = views(false);
    assert!(relative_error(&views(true), &expected, &expected) < 1e-12);
}

#[test]
#[should_panic(expected = "a kernel of 5 pixels does not fit into 2 with 1 of padding")]
fn an_empty_output_is_refused() {
    let tensor = |shape: [usize; 4]| tensor(shape, 1, DType::F32);
    conv2d(tensor([1, 1, 2, 2]), tensor([1, 1, 5, 5]), None, 1, 1);
}

#[test]
#[should_panic(expected = "is for 2 channels, but the input [1, 3, 4, 4] has 3")]
fn other_channels_are_refused() {
    let tensor = |shape: [usize; 4]| tensor(shape, 1, DType::F32);
    conv2d(tensor([1, 3, 4, 4]), tensor([1, 2, 3, 3]), None, 1, 1);
}
