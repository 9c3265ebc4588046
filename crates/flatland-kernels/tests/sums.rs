//! Sums of convolutions and of linear layers, and their gradients, compared with burn's operators and burn's tape.

mod common;

use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor, module};
use common::{TYPES, has_output, numbers, relative_error, tensor};
use flatland_kernels::{
    Flat, convolve, convolve_bias_gradient, convolve_input_gradient, convolve_weight_gradient,
    linear, linear_input_gradient, linear_weight_gradient,
};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;

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
    // Images of one pixel, too, and groups of them that are more than eight.
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

/// What a gradient is put between in a flat vector.
const GAPS: [usize; 2] = [3, 5];

/// The part that `write` puts into a flat vector, once its gaps are seen to be zero.
fn flat(
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

fn abs<const D: usize>(tensors: &[Tensor<D>]) -> Vec<Tensor<D>> {
    tensors.iter().map(|tensor| tensor.clone().abs()).collect()
}

fn pairs<'a, const D: usize>(
    left: &'a [Tensor<D>],
    right: &'a [Tensor<D>],
) -> Vec<[&'a Tensor<D>; 2]> {
    left.iter().zip(right).map(|(l, r)| [l, r]).collect()
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
    let weight = flat(case.weight.iter().product(), dtype, |flat, range| {
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

const NAMES: [&str; 4] = [
    "output",
    "input gradient",
    "weight gradient",
    "bias gradient",
];

fn compare(case: &Case) {
    let tensors = tensors(case, DType::F64);
    let magnitudes = stock(case, tensors.abs());
    let expected = stock(case, tensors);
    for (dtype, tolerance) in TYPES {
        let found = own(case, dtype);
        for (place, name) in NAMES.iter().enumerate() {
            let error = relative_error(&found[place], &expected[place], &magnitudes[place]);
            assert!(
                error < tolerance,
                "{case:?}, {dtype:?}: {name} is off by {error:e}"
            );
        }
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
        let [one, two, five] = [1, 2, 5].map(|threads| {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| own(&case, DType::F32))
        });
        assert!(one == two && one == five, "{case:?}");
    }
}

proptest! {
    #[test]
    fn any_convolutions(case in cases()) {
        compare(&case);
    }

    #[test]
    fn any_linear_layers(
        [batch, features_in, features_out] in [1usize..=40, 1usize..=70, 1usize..=70],
        terms in 1usize..=2,
        with_bias in any::<bool>(),
    ) {
        compare_linear([batch, features_in, features_out], terms, with_bias);
    }
}

#[test]
fn large_linear_layers_of_few_samples() {
    for batch in [1, 5, 64, 65] {
        compare_linear([batch, 2100, 301], 2, true);
        compare_linear([batch, 1100, 257], 1, false);
    }
}

/// Of 5 and of 100 samples: each order has its own way to read the factors.
fn refused<R>(product: impl Fn(usize) -> R + std::panic::RefUnwindSafe) {
    for batch in [5, 100] {
        assert!(
            std::panic::catch_unwind(|| product(batch)).is_err(),
            "{batch} samples"
        );
    }
}

#[test]
fn linear_layers_of_other_shapes_are_refused() {
    let tensor = |shape: [usize; 2]| tensor(shape, 1, DType::F32);
    let bias = |length: usize| self::tensor([length], 1, DType::F32);
    let weight = [300, 2100];
    let forward = |batch, input, bias: Option<&Tensor<1>>| {
        linear(&[[&tensor([batch, input]), &tensor(weight)]], bias)
    };
    forward(5, 2100, Some(&bias(300)));
    refused(|batch| forward(batch, 2099, None));
    refused(|batch| forward(batch, 2101, None));
    refused(|batch| forward(batch, 2100, Some(&bias(299))));
    refused(|batch| forward(batch, 2100, Some(&bias(301))));
    for features in [299, 301] {
        refused(|batch| linear_input_gradient(&[[&tensor([batch, features]), &tensor(weight)]]));
    }
    refused(|batch| {
        let (input, weight) = (tensor([batch, 2100]), tensor(weight));
        linear(&[[&input, &weight], [&input, &tensor([299, 2100])]], None)
    });
}

#[test]
fn linear_layers_do_not_depend_on_the_number_of_threads() {
    for shape @ [_, features_in, features_out] in [[5, 2100, 301], [130, 200, 100]] {
        let [one, two, five] = [1, 2, 5].map(|threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap()
                .install(|| own_linear(&linear_tensors(shape, 2, DType::F32), None))
        });
        assert!(one == two && one == five, "{features_in} to {features_out}");
    }
}

/// Some inputs, weights and gradients.
fn linear_tensors(
    [batch, features_in, features_out]: [usize; 3],
    terms: usize,
    dtype: DType,
) -> [Vec<Tensor<2>>; 3] {
    let shapes = [
        [batch, features_in],
        [features_out, features_in],
        [batch, features_out],
    ];
    shapes.map(|shape| {
        let one = |term| tensor(shape, shape[0] as u64 + term, dtype);
        (0..terms as u64).map(one).collect()
    })
}

/// Output, input gradient and weight gradient.
fn own_linear(
    [inputs, weights, gradients]: &[Vec<Tensor<2>>; 3],
    bias: Option<&Tensor<1>>,
) -> [Vec<f64>; 3] {
    let [features_out, features_in] = weights[0].dims();
    let dtype = weights[0].dtype();
    [
        numbers(linear(&pairs(inputs, weights), bias)),
        numbers(linear_input_gradient(&pairs(gradients, weights))),
        flat(features_out * features_in, dtype, |flat, range| {
            linear_weight_gradient(&pairs(gradients, inputs), flat, range);
        }),
    ]
}

/// The same, by burn.
fn stock_linear(
    [inputs, weights, gradients]: &[Vec<Tensor<2>>; 3],
    bias: Option<Tensor<1>>,
) -> [Vec<f64>; 3] {
    let each = |left: &[Tensor<2>],
                right: &[Tensor<2>],
                product: fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
        let products = left
            .iter()
            .zip(right)
            .map(|(l, r)| product(l.clone(), r.clone()));
        products.reduce(|sum, product| sum + product).unwrap()
    };
    let mut output = each(inputs, weights, |x, w| x.matmul(w.transpose()));
    if let Some(bias) = bias {
        output = output + bias.unsqueeze();
    }
    [
        numbers(output),
        numbers(each(gradients, weights, |g, w| g.matmul(w))),
        numbers(each(gradients, inputs, |g, x| g.transpose().matmul(x))),
    ]
}

fn compare_linear(shape @ [_, _, features_out]: [usize; 3], terms: usize, with_bias: bool) {
    let tensors = linear_tensors(shape, terms, DType::F64);
    let bias = |dtype| with_bias.then(|| tensor([features_out], 3, dtype));
    let magnitudes = stock_linear(
        &tensors.each_ref().map(|tensors| abs(tensors)),
        bias(DType::F64).map(Tensor::abs),
    );
    let expected = stock_linear(&tensors, bias(DType::F64));
    for (dtype, tolerance) in TYPES {
        let found = own_linear(&linear_tensors(shape, terms, dtype), bias(dtype).as_ref());
        for (place, found) in found.iter().enumerate() {
            let error = relative_error(found, &expected[place], &magnitudes[place]);
            assert!(
                error < tolerance,
                "{shape:?}, {dtype:?}: {} is off by {error:e}",
                NAMES[place]
            );
        }
    }
}

#[test]
fn parts_are_put_in_any_order() {
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
    let mut flat = Flat::zeros_like(&self::tensor([90], 1, DType::F32));
    convolve_weight_gradient(&[[&input, &gradient]], [5, 3, 3, 3], 1, 1, &mut flat, 0..90);
}

#[test]
#[should_panic(expected = "a gradient fills its range")]
fn a_range_of_another_length_is_refused_for_a_linear_layer() {
    let tensor = |shape: [usize; 2]| tensor(shape, 1, DType::F32);
    let (gradient, input) = (tensor([4, 5]), tensor([4, 3]));
    let mut flat = Flat::zeros_like(&self::tensor([20], 1, DType::F32));
    linear_weight_gradient(&[[&gradient, &input]], &mut flat, 0..16);
}
