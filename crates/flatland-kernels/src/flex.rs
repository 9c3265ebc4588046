//! Conversions between burn's tensors and the tensors of the CPU backend flex.

use burn::backend::{
    BackendTensor, DispatchAutodiffContext, DispatchDevice, DispatchTensor, DispatchTensorKind,
    TensorMetadata,
};
use burn::tensor::kind::Basic;
use burn::tensor::{DType, Device, Tensor};
use burn_flex::FlexTensor;

/// Whether a tensor is supported by the plain kernels: on flex without a tape, with `f32` or `f64`.
pub(crate) fn is_plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    has_kernels(&tensor.device(), tensor.dtype())
}

/// Whether a tensor is supported by this crate's own operators: on flex, with or without a tape, with `f32` or `f64`.
/// For any other tensor, burn's operators are called.
pub fn is_own<const D: usize>(tensor: &Tensor<D>) -> bool {
    has_kernels(&tensor.device().without_autodiff(), tensor.dtype())
}

fn has_kernels(device: &Device, dtype: DType) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
        && matches!(dtype, DType::F32 | DType::F64)
}

/// The tensor of the backend.
///
/// # Panics
///
/// Panics if the tensor is not on flex, or is on a tape.
pub(crate) fn flex<const D: usize, K: Basic>(tensor: Tensor<D, K>) -> FlexTensor {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Flex(BackendTensor::Float(tensor) | BackendTensor::Int(tensor)) => {
            tensor
        }
        other => panic!(
            "a kernel takes untracked numbers on the CPU backend flex, not a tensor on {:?}; call burn's operator there",
            other.device()
        ),
    }
}

/// burn's tensor of a float tensor of the backend.
pub(crate) fn tensor<const D: usize>(tensor: FlexTensor) -> Tensor<D> {
    Tensor::from_dispatch(dispatch(BackendTensor::Float(tensor)))
}

fn dispatch(tensor: BackendTensor<burn_flex::Flex>) -> DispatchTensor {
    DispatchTensor {
        kind: DispatchTensorKind::Flex(tensor),
        autodiff: DispatchAutodiffContext::Disabled,
    }
}

/// A contiguous tensor of the backend. It shares memory with `tensor` if that is contiguous.
pub(crate) fn reading<const D: usize, K: Basic>(tensor: &Tensor<D, K>) -> FlexTensor {
    in_order(flex(tensor.clone()))
}

/// A contiguous tensor. Unlike burn's `to_contiguous`, it does not copy a contiguous part of a longer vector.
pub(crate) fn in_order(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}
