//! Tensors of burn's public type, and those of the CPU backend that they hold.

use burn::backend::{
    BackendTensor, DispatchAutodiffContext, DispatchDevice, DispatchTensor, DispatchTensorKind,
    TensorMetadata,
};
use burn::tensor::kind::Basic;
use burn::tensor::{DType, Device, Tensor};
use burn_flex::FlexTensor;

/// Whether the plain kernels are for the device and the type of a tensor: flex without a tape, `f32` or `f64`.
pub(crate) fn is_plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    has_kernels(&tensor.device(), tensor.dtype())
}

/// Whether this crate's own operators are for the device and the type of a tensor, on the tape or off it; else burn's are
/// called.
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
/// Where the tensor is not on flex, or is tracked.
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

/// The public tensor of floating point numbers.
pub(crate) fn tensor<const D: usize>(tensor: FlexTensor) -> Tensor<D> {
    Tensor::from_dispatch(dispatch(BackendTensor::Float(tensor)))
}

fn dispatch(tensor: BackendTensor<burn_flex::Flex>) -> DispatchTensor {
    DispatchTensor {
        kind: DispatchTensorKind::Flex(tensor),
        autodiff: DispatchAutodiffContext::Disabled,
    }
}

/// A tensor of the backend that reads as a slice; memory is shared where the numbers lie in order already.
pub(crate) fn reading<const D: usize, K: Basic>(tensor: &Tensor<D, K>) -> FlexTensor {
    in_order(flex(tensor.clone()))
}

/// A tensor whose numbers read as a slice. burn's `to_contiguous` copies a part of a longer vector, too.
pub(crate) fn in_order(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}
