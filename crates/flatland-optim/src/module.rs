//! Conversions between a burn module and the flat vector of its parameters.
//!
//! The vector contains the trainable parameters in the order in which the module visits them, each in row-major order.
//! The parameters of a module are trainable if they are on a device with autodiff.

use std::collections::HashSet;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::{Method, Objective, Step};

/// The trainable parameters of a module, on the plain device.
///
/// # Shapes
///
/// - output: `[dimension]`
///
/// # Panics
///
/// Panics if the module has no trainable parameter, or if it contains one parameter twice (tied weights): burn has one
/// gradient for each parameter, but a vector would contain two values.
pub fn flatten<M: Module>(module: &M) -> Tensor<1> {
    #[derive(Default)]
    struct Parameters {
        seen: HashSet<ParamId>,
        values: Vec<Tensor<1>>,
    }
    impl ModuleVisitor for Parameters {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                assert!(
                    self.seen.insert(param.id),
                    "the module holds one parameter in two places: tied weights have no flat vector"
                );
                self.values.push(flat(param.val().inner()));
            }
        }
    }
    let mut visitor = Parameters::default();
    module.visit(&mut visitor);
    assert!(
        !visitor.values.is_empty(),
        "the module has no trainable parameter; is it on a device with autodiff?"
    );
    Tensor::cat(visitor.values, 0)
}

/// Replaces the trainable parameters of a module by the entries of `point`. The module can be differentiated.
///
/// # Panics
///
/// Panics if the length of `point` is not the number of trainable parameters.
pub fn with_parameters<M: Module>(module: M, point: &Tensor<1>) -> M {
    struct ParameterWriter<'a> {
        point: &'a Tensor<1>,
        place: usize,
    }
    impl ModuleMapper for ParameterWriter<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !param.is_require_grad() {
                return param;
            }
            let start = self.place;
            self.place += param.shape().num_elements();
            let [entries] = self.point.dims();
            assert!(
                self.place <= entries,
                "the point has {entries} entries, too few for the module"
            );
            let entries = self.point.clone().slice(start..self.place);
            param.map(|old| {
                let value = Tensor::from_inner(entries.reshape(old.shape()));
                // All operands of an operation must have the same strategy.
                let value = match old.gradient_checkpointing_strategy() {
                    Some(strategy) => value.with_gradient_checkpointing_strategy(strategy),
                    None => value,
                };
                value.require_grad()
            })
        }
    }
    let mut writer = ParameterWriter { point, place: 0 };
    let module = module.map(&mut writer);
    let [entries] = point.dims();
    assert_eq!(
        writer.place, entries,
        "the point has an entry for each trainable parameter"
    );
    module
}

/// Replaces the trainable parameters of a module by the entries of `point`, as constants. The module is in the state of
/// [`Module::valid`]: no parameter is on a device with autodiff, so a forward pass leaves no tape and does not change
/// running statistics.
///
/// Parameters that are not trainable keep their values.
///
/// # Panics
///
/// Panics if the length of `point` is not the number of trainable parameters.
pub fn with_constants<M: Module>(module: M, point: &Tensor<1>) -> M {
    with_parameters(module, point).valid()
}

/// Runs one iteration of a method on the parameters of a module, see [`Method::step`].
///
/// - `loss` receives a module of plain tensors and returns its loss. It is called once for each trial.
/// - `gradient` receives a module whose trainable parameters are on a tape and returns its loss and gradients.
///
/// Both closures must compute the same function. This is not the case for modules with burn's own `BatchNorm` or
/// `Dropout`, which behave in a module of plain tensors as in validation.
///
/// # Panics
///
/// Panics if the module has no trainable parameter, or if it contains one parameter twice.
pub fn step_module<M, R, L, G>(method: &mut R, module: M, loss: L, gradient: G) -> (M, Step)
where
    M: Module,
    R: Method<ModuleObjective<M, L, G>>,
    L: FnMut(&M) -> f64,
    G: FnMut(&M) -> (f64, GradientsParams),
{
    let point = flatten(&module);
    let mut objective = ModuleObjective {
        module,
        loss,
        gradient,
    };
    let (point, step) = method.step(&mut objective, point);
    (with_parameters(objective.module, &point), step)
}

/// The loss of a burn module as a function of its trainable parameters, computed by two closures. See [`step_module`].
#[derive(Debug, Clone)]
pub struct ModuleObjective<M, L, G> {
    module: M,
    loss: L,
    gradient: G,
}

impl<M, L, G> Objective for ModuleObjective<M, L, G>
where
    M: Module,
    L: FnMut(&M) -> f64,
    G: FnMut(&M) -> (f64, GradientsParams),
{
    fn dimension(&self) -> usize {
        let [dimension] = flatten(&self.module).dims();
        dimension
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        (self.loss)(&with_constants(self.module.clone(), point))
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let module = with_parameters(self.module.clone(), point);
        let (loss, gradients) = (self.gradient)(&module);
        (loss, flatten_gradients(&module, &gradients))
    }
}

/// The gradients of a module's trainable parameters, zero for a parameter without a gradient.
///
/// # Shapes
///
/// - output: `[dimension]`
pub fn flatten_gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Tensor<1> {
    struct Gradients<'a>(&'a GradientsParams, Vec<Tensor<1>>);
    impl ModuleVisitor for Gradients<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                let gradient = self.0.get::<D>(param.id);
                let gradient = gradient.unwrap_or_else(|| param.val().inner().zeros_like());
                self.1.push(flat(gradient));
            }
        }
    }
    let mut visitor = Gradients(gradients, Vec::new());
    module.visit(&mut visitor);
    Tensor::cat(visitor.1, 0)
}

fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let length = tensor.shape().num_elements();
    tensor.reshape([length])
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
    use burn::tensor::{DType, Device};

    use super::*;

    fn entries<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    fn linear(device: &Device) -> Linear {
        LinearConfig::new(3, 2).init(device)
    }

    /// 1, 2, …, n
    fn counting(n: i64) -> Tensor<1> {
        Tensor::arange(1..n + 1, &Device::flex()).float()
    }

    /// The layers of burn that behave differently in training.
    #[derive(Module, Debug)]
    struct Stateful {
        first: BatchNorm,
        second: BatchNorm,
        dropout: Dropout,
        head: Linear,
    }

    impl Stateful {
        fn new() -> Self {
            let device = Device::flex().autodiff();
            Self {
                first: BatchNormConfig::new(3).init(&device),
                second: BatchNormConfig::new(3).init(&device),
                dropout: DropoutConfig::new(0.5).init(),
                head: linear(&device),
            }
        }

        fn forward(&self, input: Tensor<2>) -> Tensor<2> {
            let hidden = self.second.forward(self.first.forward(input));
            self.head.forward(self.dropout.forward(hidden))
        }

        fn running_means(&self) -> Vec<f64> {
            [&self.first, &self.second]
                .into_iter()
                .flat_map(|norm| entries(norm.running_mean.value_sync()))
                .collect()
        }
    }

    #[test]
    fn what_is_written_is_what_is_read_and_everything_else_stays() {
        let module = Stateful::new();
        let dimension = 4 * 3 + 3 * 2 + 2;
        assert_eq!(flatten(&module).dims(), [dimension]);
        let point = counting(dimension as i64);
        let written = with_parameters(module.clone(), &point);
        assert_eq!(entries(flatten(&written)), entries(point.clone()));
        assert_eq!(entries(written.head.weight.val())[..3], [13.0, 14.0, 15.0]);
        assert_eq!(written.head.weight.id, module.head.weight.id);
        assert_eq!(entries(written.second.running_var.value()), [1.0; 3]);
        assert!(written.head.weight.is_require_grad());

        let plain = with_constants(module, &point);
        assert_eq!(
            entries(plain.head.weight.val()),
            entries(written.head.weight.val())
        );
        assert!(!plain.head.weight.val().is_autodiff());
    }

    #[test]
    fn a_trial_moves_no_running_statistics_and_draws_no_random_numbers() {
        let module = Stateful::new();
        let input = counting(12).reshape([4, 3]);
        let plain = with_constants(module.clone(), &flatten(&module));
        let output = plain.forward(input.clone());
        assert!(!output.is_autodiff());
        assert_eq!(entries(output), entries(plain.forward(input)));
        assert_eq!(module.running_means(), [0.0; 6]);
        assert_eq!(plain.running_means(), [0.0; 6]);
    }

    #[test]
    fn a_written_module_keeps_the_checkpointing_of_its_device() {
        let device = Device::flex().autodiff().gradient_checkpointing();
        let module = linear(&device);
        let written = with_parameters(module.clone(), &flatten(&module));
        let input = Tensor::<2>::ones([4, 3], &device);
        let gradients = |module: &Linear| {
            let loss = module.forward(input.clone()).square().mean();
            flatten_gradients(
                module,
                &GradientsParams::from_grads(loss.backward(), module),
            )
        };
        assert_eq!(entries(gradients(&written)), entries(gradients(&module)));
    }

    #[test]
    fn a_parameter_without_a_gradient_has_a_zero_one() {
        let device = Device::flex().autodiff();
        let module = vec![linear(&device), linear(&device)];
        let input = Tensor::<2>::ones([1, 3], &device);
        let loss = module[1].forward(input).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        let expected = [[0.0; 8], [1.0; 8]].concat();
        assert_eq!(entries(flatten_gradients(&module, &gradients)), expected);
    }

    #[test]
    fn parameters_take_the_float_type_of_the_point() {
        let module = linear(&Device::flex().autodiff());
        let point = counting(8).cast(DType::F64);
        assert_eq!(
            with_parameters(module, &point).weight.val().dtype(),
            DType::F64
        );
    }

    #[test]
    #[should_panic(expected = "the point has 7 entries, too few for the module")]
    fn a_short_point_is_refused() {
        with_constants(linear(&Device::flex().autodiff()), &counting(7));
    }

    #[test]
    #[should_panic(expected = "the point has an entry for each trainable parameter")]
    fn a_long_point_is_refused() {
        with_constants(linear(&Device::flex().autodiff()), &counting(9));
    }

    #[test]
    #[should_panic(expected = "is it on a device with autodiff?")]
    fn a_module_without_trainable_parameters_is_refused() {
        flatten(&linear(&Device::flex()));
    }

    #[test]
    #[should_panic(expected = "tied weights have no flat vector")]
    fn tied_weights_are_refused() {
        let module = linear(&Device::flex().autodiff());
        flatten(&vec![module.clone(), module]);
    }
}
