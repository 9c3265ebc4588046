//! The float types of the operators.

use std::ops::{Add, AddAssign, Mul, Sub};

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

use crate::fresh::{Number, filled};

/// The types of numbers that the operators support.
pub(crate) trait Float:
    Number
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + Into<f64>
    + pulp::bytemuck::Pod
{
    const ONE: Self;

    /// All numbers of a contiguous tensor.
    ///
    /// # Panics
    ///
    /// Panics if the tensor has another type or is not contiguous.
    fn numbers(tensor: &FlexTensor) -> &[Self];

    /// All numbers of a tensor, for writing. Copies them first if the memory is shared or the tensor is a view.
    ///
    /// # Panics
    ///
    /// Panics if the tensor has another type.
    fn numbers_mut(tensor: &mut FlexTensor) -> &mut [Self];

    /// A tensor of these numbers.
    fn tensor(numbers: Vec<Self>, shape: Shape) -> FlexTensor;

    /// A tensor of one number for each channel.
    fn channels(numbers: Vec<Self>) -> FlexTensor {
        let shape = Shape::from([numbers.len()]);
        Self::tensor(numbers, shape)
    }

    fn from_f64(number: f64) -> Self;

    /// Takes this thread's spare memory, which may be empty and contains arbitrary numbers.
    fn take_memory() -> Vec<Self>;

    /// Stores memory as this thread's spare memory, if it is larger than the stored one.
    fn keep_memory(memory: Vec<Self>);
}

macro_rules! float {
    ($type:ty, $dtype:expr, $memory:ident) => {
        impl Float for $type {
            const ONE: Self = 1.0;

            fn numbers(tensor: &FlexTensor) -> &[Self] {
                tensor.as_slice().expect("a contiguous tensor of this type")
            }

            fn numbers_mut(tensor: &mut FlexTensor) -> &mut [Self] {
                *tensor = if tensor.is_contiguous() && !tensor.is_unique() {
                    // burn copies on one thread.
                    let shape = tensor.layout().shape().clone();
                    let numbers = Self::numbers(tensor);
                    Self::tensor(
                        filled(numbers.len(), |memory| memory.copied(numbers)),
                        shape,
                    )
                } else {
                    // The same memory if it is not shared and contains no other numbers.
                    tensor.to_contiguous()
                };
                tensor.storage_mut()
            }

            fn tensor(numbers: Vec<Self>, shape: Shape) -> FlexTensor {
                let layout = Layout::contiguous(shape);
                FlexTensor::new(Bytes::from_elems(numbers), layout, $dtype)
            }

            fn from_f64(number: f64) -> Self {
                number as $type
            }

            fn take_memory() -> Vec<Self> {
                memory::$memory.take()
            }

            fn keep_memory(memory: Vec<Self>) {
                let there = memory::$memory.take();
                memory::$memory.set(if memory.len() > there.len() {
                    memory
                } else {
                    there
                });
            }
        }
    };
}

float!(f32, DType::F32, SINGLE);
float!(f64, DType::F64, DOUBLE);

/// The spare memory of threads.
mod memory {
    use std::cell::Cell;

    thread_local! {
        pub static SINGLE: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
        pub static DOUBLE: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
    }
}

/// Evaluates an expression for the type of a tensor's numbers.
macro_rules! for_type {
    ($tensor:expr, $T:ident => $body:expr) => {
        match $tensor.dtype() {
            burn::tensor::DType::F32 => {
                type $T = f32;
                $body
            }
            burn::tensor::DType::F64 => {
                type $T = f64;
                $body
            }
            other => unreachable!("other types than f32 and f64, such as {other:?}, are burn's"),
        }
    };
}
pub(crate) use for_type;
