//! The passes of one layer.

use flatland_kernels::{
    Windows, avg_pool2d, avg_pool2d_gradient, max_pool2d, max_pool2d_gather, max_pool2d_scatter,
};

use super::flow::Flow;
use super::saved::{Node, Saved, Tangents};
use super::slots::Purpose;
use super::{Slots, autodiff_fallback, batch_norm, conv2d, elementwise, linear};
use crate::{ForwardPass, Layer, Nonlinearity};

impl Layer {
    /// Whether the layer or one of its parts has parameters.
    pub(super) fn has_parameters(&self) -> bool {
        match self {
            Self::Linear(_) | Self::Conv2d(_) | Self::BatchNorm2d(_) | Self::LayerNorm(_) => true,
            Self::Sequence(layer) => layer.has_parameters(),
            _ => false,
        }
    }

    /// The forward pass: the output and the saved values.
    pub(super) fn record(
        &self,
        pass: &ForwardPass<'_>,
        input: Flow,
        requires_grad: bool,
        saves: bool,
    ) -> (Flow, Node) {
        let (output, saved) = match self {
            Self::Linear(layer) => {
                let (output, saved) = linear::record(layer, pass, input);
                (output, Saved::Linear(saved))
            }
            Self::Conv2d(layer) => {
                let (output, saved) = conv2d::record(layer, pass, input.image());
                (Flow::Image(output), Saved::Conv2d(saved))
            }
            Self::BatchNorm2d(layer) => {
                let (output, saved) = batch_norm::record(layer, pass, input.image());
                (
                    Flow::Image(output),
                    saved.map_or(Saved::None, |saved| Saved::BatchNorm(Box::new(saved))),
                )
            }
            Self::Activation(layer) => {
                let (output, saved) = match layer.function() {
                    Nonlinearity::Relu => {
                        let output = elementwise::relu(input);
                        (output.clone(), Saved::Relu(output))
                    }
                    Nonlinearity::Tanh => {
                        let (output, saved) = elementwise::SavedTanh::record(input);
                        (output, Saved::Tanh(saved))
                    }
                    // The layer itself reports its output to the pass.
                    _ => return self.record_fallback(pass, input, requires_grad),
                };
                elementwise::watch(pass, &output);
                (output, saved)
            }
            Self::MaxPool2d(layer) => {
                let input = input.image();
                let [_, _, height, width] = input.dims();
                let [kernel, stride, padding] = layer.geometry();
                let (output, winners) = max_pool2d(input, kernel, stride, padding);
                (
                    Flow::Image(output),
                    Saved::MaxPool(winners, [height, width]),
                )
            }
            Self::Flatten(_) => {
                let input = input.image();
                let shape @ [batch, channels, height, width] = input.dims();
                let output = input.reshape([batch, channels * height * width]);
                (Flow::Features(output), Saved::Shape(shape))
            }
            Self::Dropout(layer) => match elementwise::factors(layer, pass, &input) {
                Some(factors) => {
                    let output = elementwise::scaled(input, &factors);
                    (output, Saved::Factors(factors))
                }
                None => (input, Saved::None),
            },
            Self::AvgPool2d(_) | Self::AdaptiveAvgPool2d(_) => {
                let input = input.image();
                let [_, _, height, width] = input.dims();
                let output = avg_pool2d(input, self.avg_windows());
                (Flow::Image(output), Saved::AvgPool([height, width]))
            }
            Self::Patches(_) | Self::MeanOfTokens(_) => {
                let output = autodiff_fallback::forward_map(self, pass, input.clone());
                (output, Saved::Map(input))
            }
            Self::SinCosPositions(_) => {
                let output = autodiff_fallback::forward_map(self, pass, input);
                (output, Saved::None)
            }
            Self::LayerNorm(_) | Self::SelfAttention(_) => {
                return self.record_fallback(pass, input, requires_grad);
            }
            Self::Sequence(layer) => layer.record(pass, input, requires_grad, saves),
        };
        (
            output,
            Node {
                saved,
                requires_grad,
            },
        )
    }

    /// The windows of an average pooling.
    fn avg_windows(&self) -> Windows {
        match self {
            Self::AvgPool2d(layer) => layer.windows(),
            Self::AdaptiveAvgPool2d(layer) => layer.windows(),
            layer => panic!("{layer:?} is no average pooling"),
        }
    }

    fn record_fallback(
        &self,
        pass: &ForwardPass<'_>,
        input: Flow,
        requires_grad: bool,
    ) -> (Flow, Node) {
        let (output, saved) = autodiff_fallback::record(self, pass, input);
        let saved = Saved::Autodiff(saved);
        (
            output,
            Node {
                saved,
                requires_grad,
            },
        )
    }

    /// The adjoint at the input from that at the output. `None` if no layer before this one has parameters.
    pub(super) fn backward(
        &self,
        pass: &ForwardPass<'_>,
        node: &mut Node,
        adjoint: Flow,
        purpose: &mut Purpose<'_, '_>,
    ) -> Option<Flow> {
        let requires_grad = node.requires_grad;
        if !requires_grad && !self.has_parameters() {
            return None;
        }
        let input_adjoint = match (self, &mut node.saved) {
            (Self::Linear(layer), Saved::Linear(saved)) => {
                linear::backward(layer, pass, saved, requires_grad, adjoint, purpose)?
            }
            (Self::Conv2d(layer), Saved::Conv2d(saved)) => Flow::Image(conv2d::backward(
                layer,
                pass,
                saved,
                requires_grad,
                adjoint.image(),
                purpose,
            )?),
            (Self::BatchNorm2d(layer), Saved::BatchNorm(saved)) => Flow::Image(
                batch_norm::backward(layer, pass, saved, adjoint.image(), purpose),
            ),
            (Self::Activation(_), Saved::Relu(output)) => elementwise::gated(adjoint, output),
            (Self::Activation(_), Saved::Tanh(saved)) => {
                saved.backward(adjoint, purpose.saves_adjoints())
            }
            (Self::MaxPool2d(_), Saved::MaxPool(winners, size)) => {
                Flow::Image(max_pool2d_scatter(adjoint.image(), winners, *size))
            }
            (layer, Saved::AvgPool(size)) => Flow::Image(avg_pool2d_gradient(
                adjoint.image(),
                layer.avg_windows(),
                *size,
            )),
            (Self::Flatten(_), Saved::Shape(shape)) => {
                Flow::Image(adjoint.features().reshape(*shape))
            }
            (Self::Dropout(_), Saved::Factors(factors)) => elementwise::scaled(adjoint, factors),
            (Self::Dropout(_) | Self::SinCosPositions(_), _) => adjoint,
            (_, Saved::Map(input)) => autodiff_fallback::backward_map(self, pass, input, adjoint),
            (_, Saved::Autodiff(saved)) => {
                autodiff_fallback::backward(self, pass, saved, adjoint, purpose)
            }
            (Self::Sequence(layer), saved) => layer.backward(pass, saved, adjoint, purpose)?,
            (layer, saved) => panic!("{layer:?} has saved {saved:?}"),
        };
        requires_grad.then_some(input_adjoint)
    }

    /// The tangent of the output from that of the input, where `None` is zero.
    pub(super) fn jvp(
        &self,
        pass: &ForwardPass<'_>,
        node: &Node,
        tangent: Option<Flow>,
    ) -> (Option<Flow>, Tangents) {
        match (self, &node.saved) {
            (Self::Linear(layer), Saved::Linear(saved)) => {
                let output = linear::jvp(layer, pass, saved, tangent.clone());
                (output, tangent.into())
            }
            (Self::Conv2d(layer), Saved::Conv2d(saved)) => {
                let output = conv2d::jvp(layer, pass, saved, tangent.clone().map(Flow::image));
                (output.map(Flow::Image), tangent.into())
            }
            (Self::BatchNorm2d(layer), Saved::BatchNorm(saved)) => {
                let (output, tangents) =
                    batch_norm::jvp(layer, pass, saved, tangent.map(Flow::image));
                (
                    Some(Flow::Image(output)),
                    Tangents::BatchNorm(Box::new(tangents)),
                )
            }
            (_, Saved::Autodiff(saved)) => {
                let output = autodiff_fallback::jvp(self, pass, saved, tangent.clone());
                (output, tangent.into())
            }
            (Self::Sequence(layer), saved) => layer.jvp(pass, saved, tangent),
            (_, saved) => {
                let Some(tangent) = tangent else {
                    return (None, Tangents::None);
                };
                match saved {
                    Saved::Relu(output) => {
                        (Some(elementwise::gated(tangent, output)), Tangents::None)
                    }
                    Saved::Tanh(saved) => (Some(saved.jvp(tangent.clone())), Some(tangent).into()),
                    Saved::MaxPool(winners, _) => {
                        let output = max_pool2d_gather(tangent.image(), winners);
                        (Some(Flow::Image(output)), Tangents::None)
                    }
                    Saved::AvgPool(_) => {
                        let output = avg_pool2d(tangent.image(), self.avg_windows());
                        (Some(Flow::Image(output)), Tangents::None)
                    }
                    Saved::Shape([batch, ..]) => {
                        let output = tangent.image().reshape([*batch as i32, -1]);
                        (Some(Flow::Features(output)), Tangents::None)
                    }
                    Saved::Factors(factors) => {
                        (Some(elementwise::scaled(tangent, factors)), Tangents::None)
                    }
                    Saved::Map(_) => (
                        Some(autodiff_fallback::forward_map(self, pass, tangent)),
                        Tangents::None,
                    ),
                    Saved::None => (Some(tangent), Tangents::None),
                    saved => panic!("{self:?} has saved {saved:?}"),
                }
            }
        }
    }

    /// The tangent of the adjoint at the input from that at the output. Writes the tangent of the gradient to the
    /// slots.
    pub(super) fn backward_jvp(
        &self,
        pass: &ForwardPass<'_>,
        node: &Node,
        tangents: Tangents,
        adjoint_tangent: Flow,
        slots: &mut Slots<'_>,
    ) -> Option<Flow> {
        let requires_grad = node.requires_grad;
        if !requires_grad && !self.has_parameters() {
            return None;
        }
        let input_adjoint = match (self, &node.saved) {
            (Self::Linear(layer), Saved::Linear(saved)) => linear::backward_jvp(
                layer,
                pass,
                saved,
                requires_grad,
                tangents.input(),
                adjoint_tangent,
                slots,
            )?,
            (Self::Conv2d(layer), Saved::Conv2d(saved)) => {
                let tangent = tangents.input().map(Flow::image);
                let adjoint_tangent = adjoint_tangent.image();
                Flow::Image(conv2d::backward_jvp(
                    layer,
                    pass,
                    saved,
                    requires_grad,
                    tangent,
                    adjoint_tangent,
                    slots,
                )?)
            }
            (Self::BatchNorm2d(layer), Saved::BatchNorm(saved)) => {
                let Tangents::BatchNorm(tangents) = tangents else {
                    panic!("a normalization has a tangent of its own");
                };
                Flow::Image(batch_norm::backward_jvp(
                    layer,
                    pass,
                    saved,
                    *tangents,
                    adjoint_tangent.image(),
                    slots,
                ))
            }
            (_, Saved::Relu(output)) => elementwise::gated(adjoint_tangent, output),
            (_, Saved::Tanh(saved)) => saved.backward_jvp(tangents.input(), adjoint_tangent),
            (_, Saved::MaxPool(winners, size)) => {
                Flow::Image(max_pool2d_scatter(adjoint_tangent.image(), winners, *size))
            }
            (layer, Saved::AvgPool(size)) => Flow::Image(avg_pool2d_gradient(
                adjoint_tangent.image(),
                layer.avg_windows(),
                *size,
            )),
            (_, Saved::Shape(shape)) => Flow::Image(adjoint_tangent.features().reshape(*shape)),
            (_, Saved::Factors(factors)) => elementwise::scaled(adjoint_tangent, factors),
            (_, Saved::Map(input)) => {
                autodiff_fallback::backward_map(self, pass, input, adjoint_tangent)
            }
            (_, Saved::Autodiff(saved)) => autodiff_fallback::backward_jvp(
                self,
                pass,
                saved,
                tangents.input(),
                adjoint_tangent,
                slots,
            ),
            (Self::Sequence(layer), saved) => {
                layer.backward_jvp(pass, saved, tangents, adjoint_tangent, slots)?
            }
            (_, Saved::None) => adjoint_tangent,
            (layer, saved) => panic!("{layer:?} has saved {saved:?}"),
        };
        requires_grad.then_some(input_adjoint)
    }
}
