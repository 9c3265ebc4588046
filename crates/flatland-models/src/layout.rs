//! The positions of a network's parameters in the flat vector of methods and eigensolvers.

use std::collections::HashMap;
use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// The position of one parameter tensor in the flat vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSlot {
    /// PyTorch's name of the parameter, which is its path in the network (`"1.weight"`).
    pub name: String,
    /// The shape of the tensor, whose entries are in row-major order.
    pub shape: Vec<usize>,
    /// The range of its entries in the flat vector.
    pub range: Range<usize>,
}

/// The order of a network's trainable parameters in the flat vector. It is the order in which a burn module visits
/// them, and that of PyTorch's `named_parameters()`.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    slots: Vec<ParameterSlot>,
    index: HashMap<ParamId, usize>,
}

impl Layout {
    /// The layout of a module's trainable parameters.
    ///
    /// Pass the module as it was built: in a [`valid()`](Module::valid) module no parameter is trainable.
    pub fn of<M: Module>(module: &M) -> Self {
        let mut collector = LayoutCollector::default();
        module.visit(&mut collector);
        collector.layout
    }

    /// The number of trainable parameters.
    pub fn dimension(&self) -> usize {
        self.slots.last().map_or(0, |slot| slot.range.end)
    }

    /// The slots in the order of the flat vector.
    pub fn slots(&self) -> &[ParameterSlot] {
        &self.slots
    }

    pub(crate) fn position(&self, id: ParamId) -> Option<usize> {
        self.index.get(&id).copied()
    }
}

/// The path of a visitor in a module, with PyTorch's names.
#[derive(Default)]
pub(crate) struct ModulePath(Vec<String>);

impl ModulePath {
    pub(crate) fn enter(&mut self, name: &str, container_type: &str) {
        self.0.push(if container_type.starts_with("Enum:") {
            String::new() // PyTorch's name does not contain the variant's name
        } else {
            name.to_owned()
        });
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    /// The name of the innermost part.
    pub(crate) fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The whole path, with dots between its parts.
    pub(crate) fn name(&self) -> String {
        let parts: Vec<_> = (self.0.iter().filter(|part| !part.is_empty()))
            .map(String::as_str)
            .collect();
        parts.join(".")
    }
}

#[derive(Default)]
struct LayoutCollector {
    path: ModulePath,
    layout: Layout,
}

impl ModuleVisitor for LayoutCollector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let shape = param.shape().to_vec();
        let start = self.layout.dimension();
        let slot = ParameterSlot {
            name: self.path.name(),
            range: start..start + shape.iter().product::<usize>(),
            shape,
        };
        self.layout.index.insert(param.id, self.layout.slots.len());
        self.layout.slots.push(slot);
    }
}
