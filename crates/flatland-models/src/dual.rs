//! A value that may carry its derivative along a direction.

use burn::tensor::Tensor;

/// A tensor and, optionally, its derivative along one direction in the space of the parameters.
///
/// No tangent means that the value does not depend on the parameters along that direction, which is cheaper than a
/// tangent of zeros: it costs nothing to push through a layer.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value.
    pub value: Tensor<D>,
    /// The directional derivative of the value, of the same shape.
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> Dual<D> {
    /// A value that does not move along the direction.
    pub fn constant(value: Tensor<D>) -> Self {
        Self {
            value,
            tangent: None,
        }
    }

    /// Applies a linear map to the value and to the tangent.
    pub fn map_linear<const E: usize>(self, map: impl Fn(Tensor<D>) -> Tensor<E>) -> Dual<E> {
        Dual {
            value: map(self.value),
            tangent: self.tangent.map(map),
        }
    }

    /// The dimensions of the value.
    pub fn dims(&self) -> [usize; D] {
        self.value.dims()
    }
}

/// The sum of two tangents, either of which may be zero.
pub(crate) fn add_tangents<const D: usize>(
    left: Option<Tensor<D>>,
    right: Option<Tensor<D>>,
) -> Option<Tensor<D>> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left + right),
        (left, right) => left.or(right),
    }
}
