//! Between a burn module and the flat vector that methods work on.
//!
//! The vector holds the trainable parameters in the order in which the module visits them, each row by row. Which ones
//! are trainable is read off a module that is ready for training: its parameters are on a device with autodiff.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::{Method, Objective, Step};

/// The trainable parameters of a module, on the plain device.
pub fn flatten<M: Module>(module: &M) -> Tensor<1> {
    struct Parameters(Vec<Tensor<1>>);
    impl ModuleVisitor for Parameters {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                self.0.push(flat(param.val().inner()));
            }
        }
    }
    let mut visitor = Parameters(Vec::new());
    module.visit(&mut visitor);
    Tensor::cat(visitor.0, 0)
}

/// The module with the entries of `point` in place of its trainable parameters, ready to be differentiated.
///
/// # Panics
///
/// Where `point` does not have an entry for each trainable parameter.
pub fn with_parameters<M: Module>(module: M, point: &Tensor<1>) -> M {
    write(module, point, true)
}

/// The module with the entries of `point` as constants in place of its trainable parameters: a pass through it leaves
/// no tape.
///
/// # Panics
///
/// Where `point` does not have an entry for each trainable parameter.
pub fn with_constants<M: Module>(module: M, point: &Tensor<1>) -> M {
    write(module, point, false)
}

/// Moves a module once by a method, as [`Method::step`] does a point.
///
/// - `loss` is given a module of plain tensors and returns its loss. It is called once for each trial.
/// - `gradient` is given a module whose trainable parameters are on a tape and returns its loss with the gradients.
///
/// # Panics
///
/// Where the module has no trainable parameter.
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

/// The loss of a burn module as a function of its trainable parameters, from two closures; see [`step_module`].
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

/// The gradients of a module's trainable parameters, zero where a parameter has none.
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

fn write<M: Module>(module: M, point: &Tensor<1>, is_taped: bool) -> M {
    struct Writer<'a> {
        point: &'a Tensor<1>,
        place: usize,
        is_taped: bool,
    }
    impl ModuleMapper for Writer<'_> {
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
            let is_taped = self.is_taped;
            param.map(|old| {
                let value = entries.reshape(old.shape());
                if is_taped {
                    Tensor::from_inner(value).require_grad()
                } else {
                    value
                }
            })
        }
    }
    let mut writer = Writer {
        point,
        place: 0,
        is_taped,
    };
    let module = module.map(&mut writer);
    let [entries] = point.dims();
    assert_eq!(
        writer.place, entries,
        "the point has an entry for each trainable parameter"
    );
    module
}
