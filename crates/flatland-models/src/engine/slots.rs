use std::ops::Range;

use burn::module::Param;
use burn::tensor::Tensor;
use flatland_kernels::Flat;

use crate::Layout;

/// The gradient in the order of a layout, written parameter by parameter during a backward pass.
#[derive(Debug)]
pub(crate) struct Slots<'a> {
    layout: &'a Layout,
    vector: Flat,
    is_written: Vec<bool>,
}

impl<'a> Slots<'a> {
    /// A zero gradient on the device of `point` and of its float type.
    pub(crate) fn new(layout: &'a Layout, point: &Tensor<1>) -> Self {
        Self {
            layout,
            vector: Flat::zeros_like(point),
            is_written: vec![false; layout.slots().len()],
        }
    }

    /// Calls `write` with the range of a parameter. Frozen parameters have no range, and `write` is not called.
    pub(super) fn write<const D: usize>(
        &mut self,
        param: &Param<Tensor<D>>,
        write: impl FnOnce(&mut Flat, Range<usize>),
    ) {
        if let Some(position) = self.layout.position(param.id) {
            let range = self.take(position);
            write(&mut self.vector, range);
        }
    }

    /// Writes the gradient of a parameter. `gradient` is not called for a frozen parameter.
    pub(super) fn put<const D: usize, const E: usize>(
        &mut self,
        param: &Param<Tensor<D>>,
        gradient: impl FnOnce() -> Tensor<E>,
    ) {
        self.write(param, |vector, range| {
            vector.put(range, gradient().flatten(0, E - 1));
        });
    }

    /// Writes the gradient of the parameter at a position of the layout.
    pub(crate) fn put_at(&mut self, position: usize, gradient: Tensor<1>) {
        let range = self.take(position);
        self.vector.put(range, gradient);
    }

    fn take(&mut self, position: usize) -> Range<usize> {
        let slot = &self.layout.slots()[position];
        let was_written = std::mem::replace(&mut self.is_written[position], true);
        assert!(!was_written, "two layers share the parameter {}", slot.name);
        slot.range.clone()
    }

    /// The flat gradient, zero for parameters that were not written.
    pub(crate) fn into_vector(self) -> Tensor<1> {
        self.vector.into_tensor()
    }
}

/// The purpose of a backward pass.
pub(crate) enum Purpose<'a, 's> {
    /// Computes the gradient. Saved values are dropped as soon as they are used.
    Gradient(&'a mut Slots<'s>),
    /// Prepares Hessian-vector products. Saved values stay, and adjoints are saved too.
    Products,
}

impl Purpose<'_, '_> {
    pub(super) fn saves_adjoints(&self) -> bool {
        matches!(self, Self::Products)
    }
}
