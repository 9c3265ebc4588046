//! A value that may carry its derivative along a direction.

use std::ops::Add;

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

    /// Both values along one axis, the other's after this one's.
    pub fn concatenate(self, other: Self, axis: usize) -> Self {
        let join = |left: Tensor<D>, right: Tensor<D>| Tensor::cat(vec![left, right], axis);
        let tangent = match (self.tangent, other.tangent) {
            (None, None) => None,
            (left, right) => Some(join(
                left.unwrap_or_else(|| self.value.zeros_like()),
                right.unwrap_or_else(|| other.value.zeros_like()),
            )),
        };
        Self {
            value: join(self.value, other.value),
            tangent,
        }
    }

    /// The dimensions of the value.
    pub fn dims(&self) -> [usize; D] {
        self.value.dims()
    }
}

impl<const D: usize> Add for Dual<D> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            tangent: add_tangents(self.tangent, other.tangent),
        }
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
