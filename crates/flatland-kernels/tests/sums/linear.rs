//! Sums of linear layers.

use burn::tensor::{DType, Tensor};
use flatland_kernels::{linear, linear_input_gradient, linear_weight_gradient};
use proptest::prelude::*;

use crate::common::{TYPES, assert_close, assert_same_on_threads, numbers, tensor};
use crate::{abs, pairs, written};

proptest! {
    #[test]
    fn any_linear_layers(
        [batch, features_in, features_out] in [1usize..=40, 1usize..=70, 1usize..=70],
        terms in 1usize..=2,
        with_bias in any::<bool>(),
    ) {
        compare([batch, features_in, features_out], terms, with_bias);
    }
}

#[test]
fn large_linear_layers_of_few_samples() {
    for batch in [1, 5, 64, 65] {
        compare([batch, 2100, 301], 2, true);
        compare([batch, 1100, 257], 1, false);
    }
}

/// Panics for 5 and for 100 samples, which are summed in different orders.
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
    let bias = |length: usize| crate::tensor([length], 1, DType::F32);
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
    for shape in [[5, 2100, 301], [130, 200, 100]] {
        assert_same_on_threads(&format!("{shape:?}"), || {
            own(&tensors(shape, 2, DType::F32), None)
        });
    }
}

/// Some inputs, weights and gradients.
fn tensors(
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
fn own(
    [inputs, weights, gradients]: &[Vec<Tensor<2>>; 3],
    bias: Option<&Tensor<1>>,
) -> [Vec<f64>; 3] {
    let [features_out, features_in] = weights[0].dims();
    let dtype = weights[0].dtype();
    [
        numbers(linear(&pairs(inputs, weights), bias)),
        numbers(linear_input_gradient(&pairs(gradients, weights))),
        written(features_out * features_in, dtype, |flat, range| {
            linear_weight_gradient(&pairs(gradients, inputs), flat, range);
        }),
    ]
}

/// The same, by burn.
fn stock(
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

fn compare(shape @ [_, _, features_out]: [usize; 3], terms: usize, with_bias: bool) {
    let exact = tensors(shape, terms, DType::F64);
    let bias = |dtype| with_bias.then(|| tensor([features_out], 3, dtype));
    let magnitudes = stock(
        &exact.each_ref().map(|tensors| abs(tensors)),
        bias(DType::F64).map(Tensor::abs),
    );
    let expected = stock(&exact, bias(DType::F64));
    for (dtype, tolerance) in TYPES {
        let found = own(&tensors(shape, terms, dtype), bias(dtype).as_ref());
        let case = format!("{shape:?}, {dtype:?}");
        assert_close(&case, &found, &expected, &magnitudes, tolerance);
    }
}
