//! The convolution as an operator of burn: dispatch on the device of a tensor at each call, and the tape.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};
use burn_flex::FlexTensor;

use crate::conv2d::Geometry;
use crate::flex::{in_order, is_own};
use crate::on_flex;

/// A two-dimensional cross-correlation with an optional bias.
///
/// On flex, for `f32` and `f64`, this crate computes it. In all other cases it is [`burn::tensor::module::conv2d`].
/// Gradients at arguments that are not on a tape are not computed.
///
/// # Shapes
///
/// - input: `[batch, channels_in, height, width]`
/// - weight: `[channels_out, channels_in, kernel_height, kernel_width]`
/// - bias: `[channels_out]`
/// - output: `[batch, channels_out, height_out, width_out]` with
///   `height_out = (height + 2·padding − kernel_height) / stride + 1`, rounded down
///
/// # Memory
///
/// On flex, each thread unrolls images into up to 2¹⁸ numbers, or 2²⁰ if that makes room for eight images. The minimum
/// is that of the smallest product: 128 columns (or one output row or image) of
/// `channels_in · kernel_height · kernel_width` numbers. In addition it holds the input and the output of these images.
/// The thread reuses this memory for its next convolution. The gradient at the weight needs up to 2²⁰ numbers for
/// partial sums, or the size of the weight if that is more, and the size of the weight again to transpose the sum.
///
/// # Panics
///
/// Panics if the shapes do not match, if a tensor is empty, if the stride is 0, or if the kernel is larger than the
/// padded image.
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let geometry = Geometry::new(input.dims(), weight.dims(), stride, padding);
    if let Some(bias) = &bias {
        let [length] = bias.dims();
        assert_eq!(
            length, geometry.channels_out,
            "a bias has an entry for each output channel"
        );
    }
    if !is_own(&input) {
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        return module::conv2d(input, weight, bias, options);
    }
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias.map(Tensor::into_dispatch) {
        Some(bias) => Dispatch::convolution_with_bias(input, weight, bias, stride, padding),
        None => Dispatch::convolution(input, weight, stride, padding),
    })
}

/// The operator for burn's dispatch, which panics on other backends.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Convolution: Backend {
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;

    fn convolution_with_bias(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self>;
}

/// The convolution and its gradients on a backend without a tape.
pub(crate) trait Kernels: Backend {
    fn forward(
        geometry: &Geometry,
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
    ) -> FloatTensor<Self>;

    fn input_gradient(
        geometry: &Geometry,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn weight_gradient(
        geometry: &Geometry,
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn bias_gradient(gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Kernels for Flex {
    fn forward(
        geometry: &Geometry,
        input: FlexTensor,
        weight: FlexTensor,
        bias: Option<FlexTensor>,
    ) -> FlexTensor {
        let bias = bias.map(in_order);
        on_flex::forward(geometry, &[[input, weight].map(in_order)], bias.as_ref())
    }

    fn input_gradient(geometry: &Geometry, weight: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        on_flex::input_gradient(geometry, &[[weight, gradient].map(in_order)])
    }

    fn weight_gradient(geometry: &Geometry, input: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        on_flex::weight_gradient(geometry, &[[input, gradient].map(in_order)])
    }

    fn bias_gradient(gradient: FlexTensor) -> FlexTensor {
        on_flex::bias_gradient(&in_order(gradient))
    }
}

fn geometry_of<B: Backend>(
    input: &FloatTensor<B>,
    weight: &FloatTensor<B>,
    stride: usize,
    padding: usize,
) -> Geometry {
    Geometry::new(input.shape().dims(), weight.shape().dims(), stride, padding)
}

impl Convolution for Flex {
    fn convolution(
        input: FlexTensor,
        weight: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        let geometry = geometry_of::<Self>(&input, &weight, stride, padding);
        Self::forward(&geometry, input, weight, None)
    }

    fn convolution_with_bias(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        let geometry = geometry_of::<Self>(&input, &weight, stride, padding);
        Self::forward(&geometry, input, weight, Some(bias))
    }
}

/// The saved values for the backward pass.
#[derive(Debug, Clone)]
struct ConvolutionState<B: Backend> {
    geometry: Geometry,
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
}

impl<B: Kernels> ConvolutionState<B> {
    /// The saved values and the output of a forward pass.
    fn after(
        input: FloatTensor<B>,
        weight: FloatTensor<B>,
        bias: Option<FloatTensor<B>>,
        stride: usize,
        padding: usize,
    ) -> (Self, FloatTensor<B>) {
        let geometry = geometry_of::<B>(&input, &weight, stride, padding);
        let output = B::forward(&geometry, input.clone(), weight.clone(), bias);
        let state = Self {
            geometry,
            input,
            weight,
        };
        (state, output)
    }
}

/// The backward pass.
#[derive(Debug)]
struct ConvolutionBackward;

/// The backward pass with two parents or, with a bias, three.
macro_rules! backward {
    ($parents:literal) => {
        impl<B: Kernels> Backward<B, $parents> for ConvolutionBackward {
            type State = ConvolutionState<B>;

            fn backward(
                self,
                ops: Ops<Self::State, $parents>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let gradient = gradients.consume::<B>(&ops.node);
                let ConvolutionState {
                    geometry,
                    input,
                    weight,
                } = ops.state;
                let mut parents = ops.parents.into_iter();
                // A parent that is not on the tape is `None`.
                if let Some(node) = parents.next().flatten() {
                    let gradient = B::input_gradient(&geometry, weight, gradient.clone());
                    gradients.register::<B>(node.id, gradient);
                }
                if let Some(node) = parents.next().flatten() {
                    let gradient = B::weight_gradient(&geometry, input, gradient.clone());
                    gradients.register::<B>(node.id, gradient);
                }
                if let Some(node) = parents.next().flatten() {
                    gradients.register::<B>(node.id, B::bias_gradient(gradient));
                }
            }
        }
    };
}

backward!(2);
backward!(3);

impl<B: Kernels, C: CheckpointStrategy> Convolution for Autodiff<B, C> {
    fn convolution(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (state, output) = ConvolutionState::<B>::after(input, weight, None, stride, padding);
        let nodes = [input_node, weight_node];
        match ConvolutionBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn convolution_with_bias(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let (input, input_node) = input.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (bias, bias_node) = bias.into_parts();
        let (state, output) =
            ConvolutionState::<B>::after(input, weight, Some(bias), stride, padding);
        let nodes = [input_node, weight_node, bias_node];
        match ConvolutionBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::conv2d::input_gradient_calls;

    #[test]
    fn an_input_that_is_not_tracked_costs_no_gradient() {
        let tensor = |shape: [usize; 4]| Tensor::<4>::ones(shape, &Device::flex());
        let tracked = |tensor| Tensor::<4>::from_inner(tensor).require_grad();
        let (input, weight) = (tensor([2, 3, 5, 5]), tracked(tensor([4, 3, 3, 3])));
        let gradients = conv2d(input.clone(), weight.clone(), None, 1, 1)
            .sum()
            .backward();
        assert!(weight.grad(&gradients).is_some());
        assert_eq!(input_gradient_calls(), 0);
        let input = tracked(input);
        let gradients = conv2d(input.clone(), weight, None, 1, 1).sum().backward();
        assert!(input.grad(&gradients).is_some());
        assert_eq!(input_gradient_calls(), 1);
    }
}
