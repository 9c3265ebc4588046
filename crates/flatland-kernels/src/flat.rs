//! A flat vector that is written part by part.

use std::ops::Range;

use burn::tensor::{DType, Device, Shape, Tensor};

use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::{Fresh, Memory};

/// A vector of parts, such as the gradient of all parameters. On flex, for `f32` and `f64`, kernels write the parts in
/// place. On other devices and for other types, the parts are concatenated at the end.
#[derive(Debug)]
pub struct Flat {
    length: usize,
    storage: Storage,
}

/// The storage of the parts.
#[derive(Debug)]
enum Storage {
    /// The memory on flex.
    F32(Memory<f32>),
    F64(Memory<f64>),
    Parts {
        /// The parts, each with the place of its first entry.
        parts: Vec<(usize, Tensor<1>)>,
        device: Device,
        dtype: DType,
    },
}

/// The types of parts that kernels write in place.
pub(crate) trait Part: Float {
    /// The memory of a flat vector of this type. `None` if the vector has another type.
    fn memory(vector: &mut Flat) -> Option<&mut Memory<Self>>;
}

impl Part for f32 {
    fn memory(vector: &mut Flat) -> Option<&mut Memory<Self>> {
        match &mut vector.storage {
            Storage::F32(memory) => Some(memory),
            _ => None,
        }
    }
}

impl Part for f64 {
    fn memory(vector: &mut Flat) -> Option<&mut Memory<Self>> {
        match &mut vector.storage {
            Storage::F64(memory) => Some(memory),
            _ => None,
        }
    }
}

impl Flat {
    /// A zero vector with the length, the device and the type of `like`.
    pub fn zeros_like(like: &Tensor<1>) -> Self {
        let [length] = like.dims();
        let storage = match like.dtype() {
            DType::F32 if is_plain(like) => Storage::F32(Memory::new(length)),
            DType::F64 if is_plain(like) => Storage::F64(Memory::new(length)),
            dtype => Storage::Parts {
                parts: Vec::new(),
                device: like.device(),
                dtype,
            },
        };
        Self { length, storage }
    }

    /// Writes a part.
    ///
    /// # Panics
    ///
    /// Panics if the part does not have the length of `range`, if `range` ends past the end of the vector, or if the
    /// part is on a tape.
    pub fn put(&mut self, range: Range<usize>, part: Tensor<1>) {
        assert_eq!(part.dims(), [range.len()], "a part fills its range");
        if let Storage::Parts { parts, .. } = &mut self.storage {
            return parts.push((range.start, part));
        }
        let part = reading(&part);
        for_type!(part, T => self.write::<T>(range, |memory| memory.copied(T::numbers(&part))));
    }

    /// Fills a part by `fill`.
    ///
    /// # Panics
    ///
    /// Panics if the vector is not on flex or has another type, or if `range` ends past its end.
    pub(crate) fn write<T: Part>(
        &mut self,
        range: Range<usize>,
        fill: impl for<'b> FnOnce(Fresh<'b, T>) -> &'b mut [T],
    ) {
        if let Storage::Parts { device, dtype, .. } = &self.storage {
            panic!("the flat vector, {dtype:?} on {device:?}, is not where its parts are made");
        }
        match T::memory(self) {
            Some(memory) => memory.write(range, fill),
            None => panic!("the parts are of another type than the flat vector"),
        }
    }

    /// The vector, zero in entries that were not written.
    ///
    /// # Shapes
    ///
    /// - output: `[length]`
    pub fn into_tensor(self) -> Tensor<1> {
        let shape = Shape::from([self.length]);
        let (mut parts, device, dtype) = match self.storage {
            Storage::F32(memory) => return tensor(f32::tensor(memory.into_numbers(), shape)),
            Storage::F64(memory) => return tensor(f64::tensor(memory.into_numbers(), shape)),
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
