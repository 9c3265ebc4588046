//! A value with an optional derivative along a direction.

use std::ops::Add;

use burn::tensor::Tensor;

/// A tensor and, optionally, its derivative along one direction in the space of the parameters.
///
/// `None` stands for a zero tangent, and layers skip it.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value.
    pub value: Tensor<D>,
    /// The directional derivative of the value, of the same shape.
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> Dual<D> {
    /// A value with a zero tangent.
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

    /// Concatenates two values along `axis`.
    pub fn cat(self, other: Self, axis: usize) -> Self {
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
            tangent: sum_tangents([self.tangent, other.tangent]),
        }
    }
}

/// The sum of some tangents, where `None` is zero.
pub(crate) fn sum_tangents<const D: usize, const N: usize>(
    tangents: [Option<Tensor<D>>; N],
) -> Option<Tensor<D>> {
    let tangents = tangents.into_iter().flatten();
    tangents.reduce(|sum, tangent| sum + tangent)
}
