//! What the doctor computes on a device: every operator that the networks are made of.

use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use flatland_models::ops::{self, ChannelStatistics, Conv2dGeometry};
use flatland_models::{Dual, Loss};
use flatland_optim::vector;

/// The device and the float type of a check.
pub struct CheckTarget {
    pub device: Device,
    pub dtype: DType,
}

impl CheckTarget {
    pub fn tensor<const D: usize>(&self, entries: Vec<f64>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(entries, shape), (&self.device, self.dtype))
    }

    /// Normal random numbers, keyed by `index`. They are rounded to `f32`, so that every target gets the same ones.
    pub fn draws<const D: usize>(&self, index: u64, shape: [usize; D]) -> Tensor<D> {
        let mut stream = flatland_random::stream(0, "doctor", index);
        let entries = (0..shape.iter().product())
            .map(|_| f64::from(flatland_random::normal(&mut stream) as f32))
            .collect();
        self.tensor(entries, shape)
    }
}

/// The named results of a check, read back in `f64`.
pub type Quantities = Vec<(&'static str, Vec<f64>)>;

/// One check.
pub struct Check {
    pub name: &'static str,
    pub kind: CheckKind,
    pub compute: Box<dyn Fn(&CheckTarget) -> Quantities>,
}

/// How large a relative error rounding explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// One operation, or a few.
    Operator,
    /// A whole network, where errors add up.
    Network,
}

pub fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Reads the gradient at one input.
type Leaf = Box<dyn Fn(&Gradients) -> Vec<f64>>;

/// The inputs of an operator: leaves of a tape, each moving along a direction of its own.
struct Inputs<'a> {
    target: &'a CheckTarget,
    leaves: Vec<Leaf>,
}

impl Inputs<'_> {
    fn next<const D: usize>(&mut self, shape: [usize; D]) -> Dual<D> {
        let index = 2 * self.leaves.len() as u64;
        let value = Tensor::from_inner(self.target.draws(index, shape)).require_grad();
        let leaf = value.clone();
        self.leaves.push(Box::new(move |gradients| {
            leaf.grad(gradients).map(read).unwrap_or_default()
        }));
        Dual {
            value,
            tangent: Some(self.target.draws(index + 1, shape)),
        }
    }

    fn gradient(&self, gradients: &Gradients) -> Vec<f64> {
        (self.leaves.iter())
            .flat_map(|leaf| leaf(gradients))
            .collect()
    }
}

/// The check of an operator: its value and tangent, and with `L = ½ Σ c·y²` the gradient of `L` and a product with its
/// Hessian.
fn operator<const D: usize>(
    name: &'static str,
    apply: impl Fn(&mut Inputs<'_>) -> Dual<D> + 'static,
) -> Check {
    let compute = move |target: &CheckTarget| {
        let mut inputs = Inputs {
            target,
            leaves: Vec::new(),
        };
        let output = apply(&mut inputs);
        let tangent = output.tangent.clone().expect("every input moves");
        let weights = target.draws(1000, output.dims());
        let loss = (weights.clone() * output.value.clone().square()).sum() * 0.5;
        let gradient = inputs.gradient(&loss.backward());

        // A tape serves one reverse pass.
        let mut again = Inputs {
            target,
            leaves: Vec::new(),
        };
        let second = apply(&mut again);
        let slope = (weights * second.value * second.tangent.expect("every input moves")).sum();
        vec![
            ("value", read(output.value.inner())),
            ("tangent", read(tangent.without_autodiff())),
            ("gradient", gradient),
            ("H·v", again.gradient(&slope.backward())),
        ]
    };
    Check {
        name,
        kind: CheckKind::Operator,
        compute: Box::new(compute),
    }
}

fn unary<const D: usize, const E: usize>(
    name: &'static str,
    shape: [usize; D],
    apply: impl Fn(Dual<D>) -> Dual<E> + 'static,
) -> Check {
    operator(name, move |inputs| apply(inputs.next(shape)))
}

/// A convolution of `[batch, channels, size, size]` images to `out` channels.
fn convolution(
    name: &'static str,
    [batch, channels, size]: [usize; 3],
    out: usize,
    kernel: usize,
    stride: usize,
) -> Check {
    operator(name, move |inputs| {
        let images = inputs.next([batch, channels, size, size]);
        let weight = inputs.next([out, channels, kernel, kernel]);
        let bias = inputs.next([out]);
        let geometry = Conv2dGeometry {
            stride,
            padding: kernel / 2,
        };
        ops::conv2d(images, weight, Some(bias), geometry)
    })
}

/// The loss of `[samples, classes]` logits.
fn loss(name: &'static str, loss: Loss) -> Check {
    operator(name, move |inputs| {
        let logits = inputs.next([6, 10]);
        let mut targets = vec![0.0; 60];
        for row in 0..6 {
            targets[row * 10 + row] = 1.0;
        }
        loss.share_of_mean(logits, inputs.target.tensor(targets, [6, 10]), 6)
    })
}

/// What the line searches and the eigensolver do with flat vectors.
fn flat_vectors() -> Check {
    let compute = |target: &CheckTarget| {
        let (x, y) = (target.draws(0, [20_000]), target.draws(1, [20_000]));
        vec![
            ("dot", vec![vector::dot(&x, &y)]),
            ("norm", vec![vector::norm(&x)]),
            ("αx + y", read(vector::axpy(-0.375, &x, &y))),
        ]
    };
    Check {
        name: "flat vectors",
        kind: CheckKind::Operator,
        compute: Box::new(compute),
    }
}

/// Counting right answers.
fn predictions() -> Check {
    let compute = |target: &CheckTarget| {
        let logits = target.draws(0, [50, 10]);
        let answers = logits.argmax(1).squeeze_dim::<1>(1);
        vec![("argmax", answers.into_data().iter::<f64>().collect())]
    };
    Check {
        name: "predictions",
        kind: CheckKind::Operator,
        compute: Box::new(compute),
    }
}

/// One check for every operator, in the shapes of the paper's networks and in awkward ones.
pub fn operators() -> Vec<Check> {
    vec![
        flat_vectors(),
        predictions(),
        operator("linear 96→33", |inputs| {
            let (x, weight) = (inputs.next([17, 96]), inputs.next([33, 96]));
            let bias = inputs.next([33]);
            ops::linear(x, weight, Some(bias))
        }),
        convolution("conv 3×3, 3→8", [2, 3, 12], 8, 3, 1),
        convolution("conv 3×3, 32→32", [4, 32, 16], 32, 3, 1),
        convolution("conv 3×3 stride 2", [2, 8, 9], 16, 3, 2),
        convolution("conv 3×3 on 1×1", [4, 16, 1], 16, 3, 1),
        convolution("conv 7×7 stride 2", [2, 3, 32], 16, 7, 2),
        convolution("conv 1×1, 64→16", [3, 64, 8], 16, 1, 1),
        convolution("conv 1×1 stride 2", [2, 16, 8], 32, 1, 2),
        unary("max pool 2", [2, 3, 9, 8], |x| ops::max_pool2d(x, 2, 2, 0)),
        unary("max pool 3 stride 2 pad 1", [2, 3, 16, 15], |x| {
            ops::max_pool2d(x, 3, 2, 1)
        }),
        unary("max pool 5 stride 1 pad 1", [2, 3, 14, 14], |x| {
            ops::max_pool2d(x, 5, 1, 1)
        }),
        unary("avg pool 2", [2, 3, 9, 8], |x| ops::avg_pool2d(x, 2, 2)),
        unary("adaptive avg pool to 1", [2, 8, 4, 4], |x| {
            ops::adaptive_avg_pool2d(x, 1)
        }),
        unary("adaptive avg pool 1 to 7", [2, 8, 1, 1], |x| {
            ops::adaptive_avg_pool2d(x, 7)
        }),
        operator("batch norm", |inputs| {
            let x = inputs.next([5, 4, 6, 6]);
            let (scale, shift) = (inputs.next([4]), inputs.next([4]));
            ops::batch_norm(x, scale, shift, 1e-5).0
        }),
        fused_batch_norm(),
        operator("batch norm, running", |inputs| {
            let x = inputs.next([5, 4, 6, 6]);
            let (scale, shift) = (inputs.next([4]), inputs.next([4]));
            let statistics = ChannelStatistics {
                mean: inputs.target.draws(100, [4]),
                variance: inputs.target.draws(101, [4]).square() + 0.5,
            };
            ops::batch_norm_with(x, scale, shift, &statistics, 1e-5)
        }),
        operator("layer norm", |inputs| {
            let x = inputs.next([3, 5, 32]);
            let (scale, shift) = (inputs.next([32]), inputs.next([32]));
            ops::layer_norm(x, scale, shift, 1e-5)
        }),
        unary("self-attention", [2, 16, 96], |x| ops::self_attention(x, 4)),
        unary("relu", [7, 33], ops::relu),
        unary("tanh", [7, 33], ops::tanh),
        unary("gelu", [7, 33], ops::gelu),
        unary("silu", [7, 33], ops::silu),
        unary("elu", [7, 33], ops::elu),
        unary("softplus", [7, 33], ops::softplus),
        unary("softmax", [5, 3, 12], ops::softmax),
        unary("log softmax", [7, 26], ops::log_softmax),
        operator("residual sum", |inputs| {
            inputs.next([2, 6, 5, 5]) + inputs.next([2, 6, 5, 5])
        }),
        operator("dense concatenation", |inputs| {
            let (x, y) = (inputs.next([2, 6, 5, 5]), inputs.next([2, 3, 5, 5]));
            x.cat(y, 1)
        }),
        loss("mean squared error", Loss::Mse),
        loss("cross-entropy", Loss::CrossEntropy),
    ]
}

/// Batch normalization without a tangent, which is another kernel.
fn fused_batch_norm() -> Check {
    let compute = |target: &CheckTarget| {
        let mut inputs = Inputs {
            target,
            leaves: Vec::new(),
        };
        let x = Dual::constant(inputs.next([5, 4, 6, 6]).value);
        let scale = Dual::constant(inputs.next([4]).value);
        let shift = Dual::constant(inputs.next([4]).value);
        let (output, statistics) = ops::batch_norm(x, scale, shift, 1e-5);
        let weights = target.draws(1000, output.dims());
        let gradients = (weights * output.value.clone().square()).sum().backward();
        vec![
            ("value", read(output.value.inner())),
            ("gradient", inputs.gradient(&gradients)),
            ("mean", read(statistics.mean)),
            ("variance", read(statistics.variance)),
        ]
    };
    Check {
        name: "batch norm, fused",
        kind: CheckKind::Operator,
        compute: Box::new(compute),
    }
}
