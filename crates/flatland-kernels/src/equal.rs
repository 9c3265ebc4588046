use burn::tensor::Tensor;

use crate::flex::{is_plain, reading};
use crate::float::{Float, for_type};

/// Whether two vectors of one length, on one device and of one type, have the same entries. On flex nothing is copied,
/// and reading ends at the first difference; elsewhere a number is read back. NaN is no entry that equals another.
///
/// # Panics
///
/// Where the lengths, the devices or the types differ.
pub fn is_equal(left: &Tensor<1>, right: &Tensor<1>) -> bool {
    if !is_plain(left) {
        return left.clone().equal(right.clone()).all().into_scalar();
    }
    assert_eq!(left.dims(), right.dims(), "vectors of one length");
    let (left, right) = (reading(left), reading(right));
    for_type!(left, T => T::numbers(&left) == T::numbers(&right))
}
