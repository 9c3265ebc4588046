use std::ops::{Add, AddAssign, Mul, Sub};

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

/// The types of numbers that the operators are for.
pub(crate) trait Float:
    Copy
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + Into<f64>
    + Send
    + Sync
    + 'static
{
    const ONE: Self;

    /// All numbers of a contiguous tensor.
    ///
    /// # Panics
    ///
    /// Where the tensor has another type, or is not contiguous.
    fn numbers(tensor: &FlexTensor) -> &[Self];

    /// All numbers of a contiguous tensor, to be written to: of a copy where others share them or it is a part.
    ///
    /// # Panics
    ///
    /// Where the tensor has another type.
    fn numbers_mut(tensor: &mut FlexTensor) -> &mut [Self];

    /// A tensor of these numbers.
    fn tensor(numbers: Vec<Self>, shape: Shape) -> FlexTensor;

    /// A tensor of one number for each channel.
    fn channels(numbers: Vec<Self>) -> FlexTensor {
        let shape = Shape::from([numbers.len()]);
        Self::tensor(numbers, shape)
    }

    fn from_f64(number: f64) -> Self;
}

macro_rules! float {
    ($type:ty, $dtype:expr) => {
        impl Float for $type {
            const ONE: Self = 1.0;

            fn numbers(tensor: &FlexTensor) -> &[Self] {
                tensor.as_slice().expect("a contiguous tensor of this type")
            }

            fn numbers_mut(tensor: &mut FlexTensor) -> &mut [Self] {
                // What it is given back is the same memory where that holds this tensor and no more.
                let whole = tensor.to_contiguous();
                *tensor = whole;
                tensor.storage_mut()
            }

            fn tensor(numbers: Vec<Self>, shape: Shape) -> FlexTensor {
                let layout = Layout::contiguous(shape);
                FlexTensor::new(Bytes::from_elems(numbers), layout, $dtype)
            }

            fn from_f64(number: f64) -> Self {
                number as $type
            }
        }
    };
}

float!(f32, DType::F32);
float!(f64, DType::F64);
