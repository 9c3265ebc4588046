//! Comparison of vectors.

use burn::tensor::Tensor;

use crate::flex::{is_plain, reading};
use crate::float::{Float, for_type};

/// Whether two vectors have equal entries. NaN is not equal to any entry. On flex, the comparison copies nothing and
/// stops at the first difference. On other devices, it reads one number from the device.
///
/// # Panics
///
/// Panics if the lengths, the devices or the types differ.
pub fn is_equal(left: &Tensor<1>, right: &Tensor<1>) -> bool {
    if !is_plain(left) {
        return left.clone().equal(right.clone()).all().into_scalar();
    }
    assert_eq!(left.dims(), right.dims(), "vectors of one length");
    let (left, right) = (reading(left), reading(right));
    for_type!(left, T => T::numbers(&left) == T::numbers(&right))
}
