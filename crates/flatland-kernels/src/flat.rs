//! A flat vector that kernels write to, part by part.

use std::ops::Range;

use burn::tensor::{DType, Device, Shape, Tensor};
use burn_flex::FlexTensor;

use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::zeros;

/// A vector made of parts, such as a gradient of the gradients at all parameters. On flex, for `f32` and `f64`, kernels
/// write the parts where they belong; elsewhere they are put together at the end.
#[derive(Debug)]
pub struct Flat {
    length: usize,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Flex(FlexTensor),
    Parts {
        /// With the place of the first entry.
        parts: Vec<(usize, Tensor<1>)>,
        device: Device,
        dtype: DType,
    },
}

impl Flat {
    /// Zeros on the device and of the type of `like`.
    pub fn zeros_like(like: &Tensor<1>) -> Self {
        let [length] = like.dims();
        let storage = if is_plain(like) {
            // Not burn's zeros, which are copied once to be aligned.
            Storage::Flex(
                for_type!(like, T => T::tensor(zeros::<T>(length), Shape::from([length]))),
            )
        } else {
            Storage::Parts {
                parts: Vec::new(),
                device: like.device(),
                dtype: like.dtype(),
            }
        };
        Self { length, storage }
    }

    /// Writes a part.
    ///
    /// # Panics
    ///
    /// Where it does not have as many entries as `range`, or is tracked.
    pub fn put(&mut self, range: Range<usize>, part: Tensor<1>) {
        assert_eq!(part.dims(), [range.len()], "a part fills its range");
        match &mut self.storage {
            Storage::Flex(vector) => {
                let part = reading(&part);
                for_type!(part, T => slice(vector, range).copy_from_slice(T::numbers(&part)));
            }
            Storage::Parts { parts, .. } => parts.push((range.start, part)),
        }
    }

    /// The memory of a part, for kernels to write.
    ///
    /// # Panics
    ///
    /// Where the vector is not on flex, or of another type.
    pub(crate) fn slice<T: Float>(&mut self, range: Range<usize>) -> &mut [T] {
        match &mut self.storage {
            Storage::Flex(vector) => slice(vector, range),
            Storage::Parts { device, dtype, .. } => {
                panic!("the flat vector, {dtype:?} on {device:?}, is not where its parts are made")
            }
        }
    }

    /// The vector; what was not written is zero.
    ///
    /// # Shapes
    ///
    /// - output: `[length]`
    pub fn into_tensor(self) -> Tensor<1> {
        let (mut parts, device, dtype) = match self.storage {
            Storage::Flex(vector) => return tensor(vector),
            Storage::Parts {
                parts,
                device,
                dtype,
            } => (parts, device, dtype),
        };
        parts.sort_by_key(|(start, _)| *start);
        let mut all = Vec::with_capacity(2 * parts.len() + 1);
        let mut end = 0;
        let zeros = |length: usize| Tensor::zeros([length], (&device, dtype));
        for (start, part) in parts {
            if start > end {
                all.push(zeros(start - end));
            }
            end = start + part.dims()[0];
            all.push(part);
        }
        if end < self.length {
            all.push(zeros(self.length - end));
        }
        Tensor::cat(all, 0)
    }
}

fn slice<T: Float>(vector: &mut FlexTensor, range: Range<usize>) -> &mut [T] {
    &mut T::numbers_mut(vector)[range]
}
