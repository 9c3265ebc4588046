use burn::module::Param;
use burn::tensor::Tensor;

use crate::Layout;

/// The gradient, slot by slot of a layout, as a reverse pass comes by the parameters.
#[derive(Debug)]
pub(crate) struct Slots<'a> {
    layout: &'a Layout,
    sums: Vec<Option<Tensor<1>>>,
}

impl<'a> Slots<'a> {
    pub(crate) fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            sums: vec![None; layout.slots().len()],
        }
    }

    /// Adds what `gradient` returns to the slot of a parameter, if it has one: frozen parameters have none.
    pub(super) fn add<const D: usize, const E: usize>(
        &mut self,
        param: &Param<Tensor<D>>,
        gradient: impl FnOnce() -> Tensor<E>,
    ) {
        if let Some(position) = self.layout.position(param.id) {
            self.add_at(position, gradient().flatten(0, E - 1));
        }
    }

    pub(crate) fn add_at(&mut self, position: usize, gradient: Tensor<1>) {
        let sum = &mut self.sums[position];
        *sum = Some(match sum.take() {
            Some(sum) => sum + gradient,
            None => gradient,
        });
    }

    /// One flat tensor for each slot, zeros for what no layer has come by. They live where `point` does.
    pub(crate) fn into_parts(self, point: &Tensor<1>) -> Vec<Tensor<1>> {
        let zeros = |length: usize| Tensor::zeros([length], (&point.device(), point.dtype()));
        (self.sums.into_iter().zip(self.layout.slots()))
            .map(|(sum, slot)| sum.unwrap_or_else(|| zeros(slot.range.len())))
            .collect()
    }
}
