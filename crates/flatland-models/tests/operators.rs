//! Every operator against PyTorch's double backward: value, gradient and Hessian-vector product.

mod common;

use burn::tensor::{Gradients, Tensor};
use common::{Tensors, relative_error, to_vec};
use flatland_models::ops::{self, Conv2dGeometry};
use flatland_models::{Dual, Loss};

/// One input of an operator: a leaf of the tape that moves along its own direction.
fn input<const D: usize>(case: &Tensors, name: &str, index: usize) -> Dual<D> {
    let leaf = case.tensor::<D>(&format!("{name}/in{index}"));
    Dual {
        value: Tensor::from_inner(leaf).require_grad(),
        tangent: Some(case.tensor(&format!("{name}/dir{index}"))),
    }
}

/// Reads the gradient at one input.
type Leaf = Box<dyn Fn(&Gradients) -> Vec<f64>>;

fn leaf<const D: usize>(input: &Dual<D>) -> Leaf {
    let value = input.value.clone();
    Box::new(move |gradients| to_vec(value.grad(gradients).unwrap()))
}

/// Compares the output of an operator, and by `L = ½ Σ c·y²` its first and second derivative, with the case.
///
/// `operator` is run once for each reverse pass: burn's tape serves only one.
fn check<const E: usize>(name: &str, operator: impl Fn(&Tensors) -> (Dual<E>, Vec<Leaf>)) {
    let [case] = ["ops.safetensors", "ops_tokens.safetensors"]
        .map(Tensors::open)
        .into_iter()
        .filter(|file| file.get(&format!("{name}/y")).is_some())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_else(|_| panic!("one file holds {name}"));
    let expect = |what: &str, found: &[f64]| {
        let error = relative_error(found, &case.entries(&format!("{name}/{what}")));
        assert!(
            error < 1e-12,
            "{name}: relative error of {what} is {error:e}"
        );
    };
    let weights = case.tensor::<E>(&format!("{name}/c"));

    let (output, inputs) = operator(&case);
    expect("y", &to_vec(output.value.clone().inner()));
    let gradients = (weights.clone() * output.value.square())
        .sum()
        .mul_scalar(0.5)
        .backward();
    for (index, input) in inputs.iter().enumerate() {
        expect(&format!("grad{index}"), &input(&gradients));
    }

    let (output, inputs) = operator(&case);
    let slope = (weights * output.value * output.tangent.expect("a tangent")).sum();
    let products = slope.backward();
    for (index, input) in inputs.iter().enumerate() {
        expect(&format!("hv{index}"), &input(&products));
    }
}

fn unary<const D: usize, const E: usize>(name: &str, operator: impl Fn(Dual<D>) -> Dual<E>) {
    check(name, |case| {
        let x = input(case, name, 0);
        let inputs = vec![leaf(&x)];
        (operator(x), inputs)
    });
}

fn convolution(name: &str, stride: usize, padding: usize) {
    check(name, |case| {
        let (x, weight) = (input::<4>(case, name, 0), input::<4>(case, name, 1));
        let bias = case
            .get(&format!("{name}/in2"))
            .map(|_| input::<1>(case, name, 2));
        let inputs = [leaf(&x), leaf(&weight)]
            .into_iter()
            .chain(bias.as_ref().map(leaf))
            .collect();
        let geometry = Conv2dGeometry { stride, padding };
        (ops::conv2d(x, weight, bias, geometry), inputs)
    });
}

#[test]
fn linear() {
    check("linear", |case| {
        let (x, weight) = (input::<2>(case, "linear", 0), input::<2>(case, "linear", 1));
        let bias = input::<1>(case, "linear", 2);
        let inputs = vec![leaf(&x), leaf(&weight), leaf(&bias)];
        (ops::linear(x, weight, Some(bias)), inputs)
    });
}

#[test]
fn convolutions() {
    convolution("conv3_s1_p1", 1, 1);
    convolution("conv3_s2_p1", 2, 1);
    convolution("conv7_s2_p3", 2, 3);
    convolution("conv1_s1", 1, 0);
    convolution("conv1_s2", 2, 0);
    convolution("conv3_on_1x1_p1", 1, 1);
}

#[test]
fn pools() {
    unary::<4, 4>("maxpool2", |x| ops::max_pool2d(x, 2, 2, 0));
    unary::<4, 4>("maxpool3_s2_p1", |x| ops::max_pool2d(x, 3, 2, 1));
    unary::<4, 4>("avgpool2", |x| ops::avg_pool2d(x, 2, 2));
    unary::<4, 4>("adaptive_avg_1", |x| ops::adaptive_avg_pool2d(x, 1));
    unary::<4, 4>("adaptive_avg_7_from_1", |x| ops::adaptive_avg_pool2d(x, 7));
    unary::<4, 4>("adaptive_avg_7_from_2", |x| ops::adaptive_avg_pool2d(x, 7));
    unary::<4, 4>("adaptive_avg_3_from_5", |x| ops::adaptive_avg_pool2d(x, 3));
}

#[test]
fn batch_normalization() {
    for name in ["batchnorm", "batchnorm_1x1"] {
        check(name, |case| {
            let x = input::<4>(case, name, 0);
            let (scale, shift) = (input::<1>(case, name, 1), input::<1>(case, name, 2));
            let inputs = vec![leaf(&x), leaf(&scale), leaf(&shift)];
            (ops::batch_norm(x, scale, shift, 1e-5).0, inputs)
        });
    }
}

#[test]
fn activations() {
    unary::<2, 2>("relu", ops::relu);
    unary::<2, 2>("tanh", ops::tanh);
    unary::<2, 2>("gelu", ops::gelu);
    unary::<2, 2>("silu", ops::silu);
    unary::<2, 2>("elu", ops::elu);
    unary::<2, 2>("softplus", ops::softplus);
    unary::<2, 2>("log_softmax", ops::log_softmax);
    unary::<4, 4>("softmax", ops::softmax);
}

#[test]
fn attention() {
    unary::<3, 3>("self_attention", |x| ops::self_attention(x, 2));
}

#[test]
fn layer_normalization() {
    layer_norm::<3>("layernorm_tokens");
    layer_norm::<2>("layernorm_features");
}

fn layer_norm<const D: usize>(name: &str) {
    check(name, |case| {
        let x = input::<D>(case, name, 0);
        let (scale, shift) = (input::<1>(case, name, 1), input::<1>(case, name, 2));
        let inputs = vec![leaf(&x), leaf(&scale), leaf(&shift)];
        (ops::layer_norm(x, scale, shift, 1e-5), inputs)
    });
}

/// The cases weight an output by itself, which hides what happens where it is zero: there the tangent is blocked.
#[test]
fn relu_blocks_the_tangent_up_to_zero() {
    let device = burn::tensor::Device::flex();
    let tangent = ops::relu(Dual {
        value: Tensor::<1>::from_floats([-2.0, -0.5, 0.0, 0.5], &device),
        tangent: Some(Tensor::ones([4], &device)),
    })
    .tangent;
    assert_eq!(to_vec(tangent.unwrap()), [0.0, 0.0, 0.0, 1.0]);
}

/// The losses are not among PyTorch's cases: their derivatives along a line are compared with central differences.
#[test]
fn losses_move_along_their_tangent() {
    let case = Tensors::open("ops.safetensors");
    let (logits, direction) = (
        case.tensor::<2>("log_softmax/in0"),
        case.tensor::<2>("log_softmax/dir0"),
    );
    let targets = Tensor::from_data(
        [
            [0., 1., 0., 0., 0., 0.],
            [0., 0., 0., 0., 0., 1.],
            [1., 0., 0., 0., 0., 0.],
        ],
        (&logits.device(), logits.dtype()),
    );
    for loss in [Loss::Mse, Loss::CrossEntropy] {
        let at = |t: f64| {
            let moved = Dual::constant(logits.clone() + direction.clone() * t);
            loss.share_of_mean(moved, targets.clone(), 3)
                .value
                .into_scalar::<f64>()
        };
        let dual = Dual {
            value: logits.clone(),
            tangent: Some(direction.clone()),
        };
        let slope = loss
            .share_of_mean(dual, targets.clone(), 3)
            .tangent
            .unwrap();
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!(
            (slope.into_scalar::<f64>() - difference).abs() < 1e-8,
            "{loss:?}"
        );
    }
}
