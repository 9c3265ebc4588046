//! Between a burn module and the flat vector that methods work on.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// The trainable parameters of a module in one vector: in the order in which it visits them, each row by row.
pub fn flatten<M: Module>(module: &M) -> Tensor<1> {
    struct Flatten(Vec<Tensor<1>>);
    impl ModuleVisitor for Flatten {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.is_require_grad() {
                let value = param.val().inner();
                let length = value.shape().num_elements();
                self.0.push(value.reshape([length]));
            }
        }
    }
    let mut visitor = Flatten(Vec::new());
    module.visit(&mut visitor);
    Tensor::cat(visitor.0, 0)
}

/// The module with the entries of `point` as constants in place of its trainable parameters: a pass through it leaves
/// no tape.
pub fn with_constants<M: Module>(module: M, point: &Tensor<1>) -> M {
    struct Write<'a>(&'a Tensor<1>, usize);
    impl ModuleMapper for Write<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !param.is_require_grad() {
                return param;
            }
            let start = self.1;
            self.1 += param.shape().num_elements();
            let entries = self.0.clone().slice(start..self.1);
            param.map(|old| entries.reshape(old.shape()))
        }
    }
    module.map(&mut Write(point, 0))
}
