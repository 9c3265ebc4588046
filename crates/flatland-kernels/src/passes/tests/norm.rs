//! Batch normalization.

mod derivatives;

use burn::tensor::{DType, Tensor};

use super::*;
use crate::passes::{
    self, BatchNorm, batch_norm, batch_norm_gradient, batch_norm_gradient_tangent,
    batch_norm_tangent, composed,
};

const EPSILON: f64 = 1e-5;

/// One pixel, few and many; one channel and many; one block and, in the last two, a second one that is smaller.
const SHAPES: [[usize; 4]; 14] = [
    [3, 40, 1, 1],
    [4, 70, 1, 1],
    [32, 600, 1, 1],
    [5, 33, 2, 2],
    [3, 17, 1, 3],
    [70, 67, 3, 3],
    [4, 1, 3, 3],
    [2, 5, 4, 4],
    [2, 3, 5, 7],
    [32, 37, 4, 5],
    [3, 2, 16, 16],
    [8, 6, 33, 31],
    [20, 70, 10, 11],
    [70, 2100, 1, 1],
];

/// All results of the four operators in a module, with a tangent of the input and without.
macro_rules! all_results {
    ($case:expr, $operators:ident) => {{
        let Case {
            x,
            scale,
            shift,
            x_tangent,
            scale_tangent,
            shift_tangent,
            g,
            h,
            ..
        } = $case.clone();
        let forward = $operators::batch_norm(x, scale.clone(), shift, EPSILON);
        let (normal, inverse) = (&forward.normal, &forward.inverse);
        let mut results = results(&forward);
        let (x, a, b) = $operators::batch_norm_gradient(normal, inverse, &scale, g.clone());
        results.extend([numbers(&x), numbers(&a), numbers(&b)]);
        for tangent in [Some(x_tangent), None] {
            let (y, normal_tangent, along) = $operators::batch_norm_tangent(
                normal,
                inverse,
                &scale,
                tangent,
                &scale_tangent,
                &shift_tangent,
            );
            results.push(numbers(&y));
            results.extend(normal_tangent.as_ref().map(numbers));
            results.extend(along.as_ref().map(numbers));
            let (x, a, b) = $operators::batch_norm_gradient_tangent(
                normal,
                inverse,
                &scale,
                &scale_tangent,
                &g,
                normal_tangent.as_ref(),
                along.as_ref(),
                h.clone(),
            );
            results.extend([numbers(&x), numbers(&a), numbers(&b)]);
        }
        results
    }};
}

/// All arguments of the operators.
#[derive(Clone)]
struct Case {
    shape: [usize; 4],
    x: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    x_tangent: Tensor<4>,
    scale_tangent: Tensor<1>,
    shift_tangent: Tensor<1>,
    g: Tensor<4>,
    h: Tensor<4>,
}

impl Case {
    fn new(shape: [usize; 4], dtype: DType) -> Self {
        let channels = [shape[1]];
        Self {
            shape,
            // Off center, so that the mean matters.
            x: tensor(shape, 1, DType::F64)
                .mul_scalar(1.7)
                .add_scalar(3)
                .cast(dtype),
            scale: tensor(channels, 2, dtype),
            shift: tensor(channels, 3, dtype),
            x_tangent: tensor(shape, 4, DType::F64).add_scalar(0.5).cast(dtype),
            scale_tangent: tensor(channels, 5, dtype),
            shift_tangent: tensor(channels, 6, dtype),
            g: tensor(shape, 7, DType::F64).add_scalar(-0.5).cast(dtype),
            h: tensor(shape, 8, DType::F64).add_scalar(0.3).cast(dtype),
        }
    }

    fn cast(&self, dtype: DType) -> Self {
        Self {
            shape: self.shape,
            x: self.x.clone().cast(dtype),
            scale: self.scale.clone().cast(dtype),
            shift: self.shift.clone().cast(dtype),
            x_tangent: self.x_tangent.clone().cast(dtype),
            scale_tangent: self.scale_tangent.clone().cast(dtype),
            shift_tangent: self.shift_tangent.clone().cast(dtype),
            g: self.g.clone().cast(dtype),
            h: self.h.clone().cast(dtype),
        }
    }

    fn forward(&self) -> BatchNorm {
        let (scale, shift) = (self.scale.clone(), self.shift.clone());
        batch_norm(self.x.clone(), scale, shift, EPSILON)
    }

    /// All results of the operators of this crate.
    fn own(&self) -> Vec<Vec<f64>> {
        all_results!(self, passes)
    }

    /// The same results by compositions of burn's operators.
    fn composed(&self) -> Vec<Vec<f64>> {
        all_results!(self, composed)
    }
}

fn results(forward: &BatchNorm) -> Vec<Vec<f64>> {
    vec![
        numbers(&forward.output),
        numbers(&forward.normal),
        numbers(&forward.inverse),
        numbers(&forward.mean),
        numbers(&forward.variance),
    ]
}

#[test]
fn loops_and_compositions_agree() {
    for shape in SHAPES {
        for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 5e-6)] {
            let case = Case::new(shape, dtype);
            let expected = case.cast(DType::F64).composed();
            assert_close(
                &format!("{shape:?} {dtype:?}"),
                &case.own(),
                &expected,
                tolerance,
            );
        }
    }
}

#[test]
fn views_are_read_as_what_they_show() {
    for shape in SHAPES {
        let case = Case::new(shape, DType::F32);
        let expected = case.own();
        for index in 0..3 {
            let view = |tensor: &Tensor<4>| views(tensor)[index].clone();
            let viewed = Case {
                x: view(&case.x),
                x_tangent: view(&case.x_tangent),
                g: view(&case.g),
                h: view(&case.h),
                ..case.clone()
            };
            assert_eq!(viewed.own(), expected, "{shape:?}, view {index}");
        }
    }
}

#[test]
fn only_memory_that_is_not_shared_is_overwritten() {
    let address = |tensor: &Tensor<4>| crate::flex::flex(tensor.clone()).bytes().as_ptr();
    for shape in SHAPES {
        let case = Case::new(shape, DType::F32);
        let tensors = |case: &Case| [&case.x, &case.x_tangent, &case.g, &case.h].map(bits);
        let before = tensors(&case);
        let shared = case.own();
        assert_eq!(tensors(&case), before);
        let BatchNorm {
            normal, inverse, ..
        } = case.forward();
        assert_ne!(address(&normal), address(&case.x));

        let Case {
            x,
            scale,
            shift,
            x_tangent,
            scale_tangent,
            shift_tangent,
            g,
            h,
            ..
        } = case;
        let places = [&x, &x_tangent, &g, &h].map(address);
        let (y, tangent, along) = batch_norm_tangent(
            &normal,
            &inverse,
            &scale,
            Some(x_tangent),
            &scale_tangent,
            &shift_tangent,
        );
        let tangent = tangent.unwrap();
        let (second, _, _) = batch_norm_gradient_tangent(
            &normal,
            &inverse,
            &scale,
            &scale_tangent,
            &g,
            Some(&tangent),
            along.as_ref(),
            h,
        );
        let (first, _, _) = batch_norm_gradient(&normal, &inverse, &scale, g);
        let forward = batch_norm(x, scale, shift, EPSILON);
        let found = [&forward.normal, &tangent, &first, &second];
        assert_eq!(found.map(address), places, "{shape:?}");
        let expected = [&shared[1], &shared[9], &shared[5], &shared[11]];
        assert_eq!(found.map(numbers).each_ref(), expected, "{shape:?}");
        assert_eq!(numbers(&y), shared[8]);
    }
}

#[test]
fn threads_change_no_bit() {
    for shape in SHAPES {
        let case = Case::new(shape, DType::F32);
        let run = |threads| with_threads(threads, || case.own());
        assert_eq!(run(1), run(3), "{shape:?}");
    }
}

/// Means of `f32` numbers of which the sum needs more digits than an `f32` has.
#[test]
fn sums_keep_the_digits_of_f64() {
    let shape = [64, 2, 32, 32];
    let x = tensor(shape, 1, DType::F64)
        .mul_scalar(1e-3)
        .add_scalar(100)
        .cast(DType::F32);
    let ones = Tensor::ones([2], (&x.device(), DType::F32));
    let own = batch_norm(x.clone(), ones.clone(), ones.clone(), EPSILON);
    let wide = [x, ones.clone().unsqueeze(), ones.unsqueeze()];
    let [x, scale, shift] = wide.map(|tensor: Tensor<4>| tensor.cast(DType::F64));
    let [scale, shift] = [scale, shift].map(|tensor| tensor.reshape([2]));
    let expected = composed::batch_norm(x, scale, shift, EPSILON);
    let found = [
        numbers(&own.variance),
        numbers(&own.inverse),
        numbers(&own.mean),
    ];
    let expected = [&expected.variance, &expected.inverse, &expected.mean].map(numbers);
    assert_close("statistics", &found, &expected, 1e-7);
}

#[test]
#[should_panic(expected = "an entry for each channel")]
fn parameters_for_other_channels_are_refused() {
    let parameter = || tensor([2], 1, DType::F32);
    let _ = batch_norm(
        tensor([2, 3, 4, 4], 1, DType::F32),
        parameter(),
        parameter(),
        EPSILON,
    );
}
