//! Gates, sums and pools.

use burn::tensor::{DType, Tensor, activation};

use super::*;
use crate::max_pool2d;
use crate::passes::{
    Windows, add, avg_pool2d, avg_pool2d_gradient, composed, gate, max_pool2d_gather,
    max_pool2d_scatter, relu,
};

/// Small, odd, and large enough for threads.
const SHAPES: [[usize; 4]; 3] = [[2, 3, 5, 7], [1, 1, 1, 1], [3, 11, 47, 45]];

/// With zeros, both infinities and NaN.
fn special(shape: [usize; 4], seed: u64, dtype: DType) -> Tensor<4> {
    let x = tensor(shape, seed, dtype);
    let x = x
        .clone()
        .mask_fill(x.clone().lower_elem(-1.5), f64::NEG_INFINITY);
    let x = x.clone().mask_fill(x.clone().abs().lower_elem(0.3), 0);
    let x = x.clone().mask_fill(x.clone().abs().lower_elem(0.4), -0.0);
    x.clone().mask_fill(x.greater_elem(1.5), f64::NAN)
}

#[test]
fn relu_and_its_gate_are_burns() {
    for shape in SHAPES {
        for dtype in [DType::F32, DType::F64] {
            let (x, signal) = (special(shape, 1, dtype), tensor(shape, 2, dtype));
            let input = tracked(&x);
            let output = activation::relu(input.clone());
            let gradients = (output.clone() * constant(&signal)).sum().backward();
            let found = relu(x.clone());
            assert_eq!(bits(&found), bits(&output.inner()), "{shape:?}");
            assert_eq!(bits(&composed::relu(x)), bits(&found), "{shape:?}");
            let expected = input.grad(&gradients).unwrap();
            let gated = gate(signal.clone(), &found);
            assert_eq!(bits(&gated), bits(&expected), "{shape:?}");
            assert_eq!(
                bits(&composed::gate(signal, found)),
                bits(&expected),
                "{shape:?}"
            );
        }
    }
}

#[test]
fn only_memory_that_is_not_shared_is_overwritten() {
    let address = |tensor: &Tensor<4>| crate::flex::flex(tensor.clone()).bytes().as_ptr();
    for shape in SHAPES {
        let (x, other) = (tensor(shape, 1, DType::F32), tensor(shape, 2, DType::F32));
        let before = [bits(&x), bits(&other)];
        // The arguments are shared.
        let shared = [
            relu(x.clone()),
            gate(x.clone(), &other),
            add(x.clone(), other.clone()),
        ];
        assert_eq!([bits(&x), bits(&other)], before);
        assert_eq!(bits(&shared[2]), bits(&(x.clone() + other.clone())));
        for result in &shared {
            assert_ne!(address(result), address(&x));
            assert_ne!(address(result), address(&other));
        }

        let fresh = |tensor: &Tensor<4>| {
            let copy = tensor.clone().mul_scalar(1.0);
            (address(&copy), copy)
        };
        let ((place, x1), (_, other1)) = (fresh(&x), fresh(&other));
        let result = relu(x1);
        assert_eq!((address(&result), bits(&result)), (place, bits(&shared[0])));
        let (place, x1) = fresh(&x);
        let result = gate(x1, &other1);
        assert_eq!((address(&result), bits(&result)), (place, bits(&shared[1])));
        for left in [true, false] {
            let (place, x1) = fresh(&x);
            let result = if left {
                add(x1, other.clone())
            } else {
                add(other.clone(), x1)
            };
            assert_eq!((address(&result), bits(&result)), (place, bits(&shared[2])));
        }
        assert_eq!([bits(&x), bits(&other)], before);
    }
}

#[test]
fn views_are_read_as_what_they_show() {
    for shape in SHAPES {
        let (x, other) = (tensor(shape, 1, DType::F64), tensor(shape, 2, DType::F64));
        let (output, winners) = max_pool2d(x.clone(), 1, 1, 0);
        let size = [shape[2], shape[3]];
        let pixels = Windows::Sliding {
            kernel: 1,
            stride: 1,
        };
        let expected = [
            bits(&relu(x.clone())),
            bits(&gate(x.clone(), &other)),
            bits(&add(x.clone(), other.clone())),
            bits(&x),
            bits(&x),
            bits(&x),
            bits(&x),
        ];
        assert_eq!(bits(&output), bits(&x));
        for (x, other) in views(&x).into_iter().zip(views(&other).into_iter().rev()) {
            let found = [
                bits(&relu(x.clone())),
                bits(&gate(x.clone(), &other)),
                bits(&add(x.clone(), other)),
                bits(&max_pool2d_gather(x.clone(), &winners)),
                bits(&max_pool2d_scatter(x.clone(), &winners, size)),
                bits(&avg_pool2d(x.clone(), pixels)),
                bits(&avg_pool2d_gradient(x.clone(), pixels, size)),
            ];
            assert_eq!(found, expected, "{shape:?}");
        }
    }
}

#[test]
fn the_derivatives_of_max_pooling_are_burns() {
    for shape in SHAPES {
        for (kernel, stride, padding) in [(3, 2, 1), (2, 2, 1), (3, 1, 1), (1, 1, 0)] {
            for dtype in [DType::F32, DType::F64] {
                let case = format!("{shape:?} {kernel} {stride} {padding} {dtype:?}");
                let x = tensor(shape, 1, dtype).mul_scalar(3.0).round();
                let input = tracked(&x);
                let (output, winners) = max_pool2d(input.clone(), kernel, stride, padding);
                let winners = winners.inner();
                let signal = tensor(output.dims(), 2, dtype);
                let gradients = (output * constant(&signal)).sum().backward();
                let expected = numbers(&input.grad(&gradients).unwrap());
                let size = [shape[2], shape[3]];
                let found = max_pool2d_scatter(signal.clone(), &winners, size);
                let tolerance = if dtype == DType::F32 { 1e-6 } else { 1e-14 };
                assert_close(&case, &[numbers(&found)], &[expected], tolerance);
                let stock = composed::max_pool2d_scatter(signal, winners.clone(), size);
                assert_close(&case, &[numbers(&found)], &[numbers(&stock)], tolerance);

                let tangent = tensor(shape, 3, dtype);
                let stock = composed::max_pool2d_gather(tangent.clone(), winners.clone());
                assert_eq!(
                    bits(&max_pool2d_gather(tangent, &winners)),
                    bits(&stock),
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn average_pooling_and_its_gradient_are_burns() {
    let sliding = |(kernel, stride)| Windows::Sliding { kernel, stride };
    let sliding = [(1, 1), (2, 2), (2, 1), (1, 3)].map(sliding);
    let grids = [1, 2, 3, 7].map(|size| Windows::Grid { size });
    for shape in [[1, 1, 2, 2], [3, 5, 4, 7], [2, 40, 9, 9], [2, 600, 2, 3]] {
        for windows in sliding.into_iter().chain(grids) {
            for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-14)] {
                let case = format!("{shape:?} {windows:?} {dtype:?}");
                let x = tensor(shape, 1, dtype);
                // On the tape, the operator is burn's.
                let input = tracked(&x);
                let output = avg_pool2d(input.clone(), windows);
                let signal = tensor(output.dims(), 2, dtype);
                let gradients = (output.clone() * constant(&signal)).sum().backward();
                let expected = [
                    numbers(&output.inner()),
                    numbers(&input.grad(&gradients).unwrap()),
                ];
                let size = [shape[2], shape[3]];
                let found = [
                    numbers(&avg_pool2d(x, windows)),
                    numbers(&avg_pool2d_gradient(signal, windows, size)),
                ];
                assert_close(&case, &found, &expected, tolerance);
            }
        }
    }
}

#[test]
fn there_is_no_mean_of_a_window_that_does_not_fit() {
    let windows = Windows::Sliding {
        kernel: 3,
        stride: 1,
    };
    let x = tensor([2, 3, 2, 4], 1, DType::F32);
    assert_eq!(avg_pool2d(x, windows).dims(), [2, 3, 0, 2]);
}

#[test]
#[should_panic(expected = "Grid { size: 2 } has no pixels")]
fn means_of_no_pixels_are_refused() {
    let x = tensor([2, 3, 0, 4], 1, DType::F32);
    avg_pool2d(x, Windows::Grid { size: 2 });
}

#[test]
#[should_panic(expected = "each gradient has a window in [4, 4] pixels")]
fn gradients_of_another_size_are_refused() {
    let gradient = tensor([1, 2, 3, 3], 1, DType::F32);
    avg_pool2d_gradient(
        gradient,
        Windows::Sliding {
            kernel: 2,
            stride: 2,
        },
        [4, 4],
    );
}

#[test]
fn threads_change_no_bit() {
    let run = || {
        let shape = SHAPES[2];
        let (x, signal) = (tensor(shape, 1, DType::F32), tensor(shape, 2, DType::F32));
        let (output, winners) = max_pool2d(x.clone(), 3, 2, 1);
        [
            bits(&relu(x.clone())),
            bits(&gate(signal, &x)),
            bits(&avg_pool2d(output.clone(), Windows::Grid { size: 3 })),
            bits(&max_pool2d_scatter(output, &winners, [shape[2], shape[3]])),
        ]
    };
    assert_eq!(with_threads(1, run), with_threads(3, run));
}

#[test]
#[should_panic(expected = "a signal has the shape of the output")]
fn a_gate_of_another_shape_is_refused() {
    let x = |length| tensor([length, 3], 1, DType::F32);
    let _ = gate(x(2), &x(1));
}
