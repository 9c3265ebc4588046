use std::ops::Range;

use burn::module::Param;
use burn::tensor::Tensor;
use flatland_kernels::Flat;

use crate::Layout;

/// The gradient in the order of a layout, written as a reverse pass comes by the parameters.
#[derive(Debug)]
pub(crate) struct Slots<'a> {
    layout: &'a Layout,
    vector: Flat,
    is_written: Vec<bool>,
}

impl<'a> Slots<'a> {
    /// Zeros where `point` lives.
    pub(crate) fn new(layout: &'a Layout, point: &Tensor<1>) -> Self {
        Self {
            layout,
            vector: Flat::zeros_like(point),
            is_written: vec![false; layout.slots().len()],
        }
    }

    /// Lets `write` write to the slot of a parameter, if it has one: frozen parameters have none.
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

    /// Puts what `gradient` returns into the slot of a parameter, if it has one.
    pub(super) fn put<const D: usize, const E: usize>(
        &mut self,
        param: &Param<Tensor<D>>,
        gradient: impl FnOnce() -> Tensor<E>,
    ) {
        self.write(param, |vector, range| {
            vector.put(range, gradient().flatten(0, E - 1));
        });
    }

    /// Puts the gradient of the parameter at a position.
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

    /// The flat gradient; zeros where no layer has come by.
    pub(crate) fn into_vector(self) -> Tensor<1> {
        self.vector.into_tensor()
    }
}

/// What a reverse pass is made for.
pub(crate) enum Purpose<'a, 's> {
    /// The gradient: what was kept is dropped on the way.
    Gradient(&'a mut Slots<'s>),
    /// Tangents: adjoints are kept, too.
    Tangents,
}

impl Purpose<'_, '_> {
    pub(super) fn keeps(&self) -> bool {
        matches!(self, Self::Tangents)
    }
}
