//! New memory. It is zeroed by the thread that uses it, or it is [`Fresh`] and not zeroed at all.
//!
//! `vec![0.0; n]` zeroes memory on one thread. With two threads, this takes a twelfth of the time of a gradient. Here
//! each task zeroes its part of a result just before it writes to it. If the first product fills a part of a gradient,
//! it receives [`Fresh`] memory without numbers, which can be read only after it was filled.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

/// A type of numbers in memory.
pub(crate) trait Number: Copy + Default + Send + Sync + 'static {}

impl<T: Copy + Default + Send + Sync + 'static> Number for T {}

/// The smallest number of entries that a thread zeroes.
const SHARE: usize = 1 << 16;

/// `length` zeros.
pub(crate) fn zeros<T: Number>(length: usize) -> Vec<T> {
    in_chunks(length, SHARE, || (), |(), _, _| ())
}

/// `length` numbers. `write` receives them as zeros, chunk by chunk, with the index of the chunk and a state. `start`
/// creates a state for several consecutive chunks.
pub(crate) fn in_chunks<T: Number, S>(
    length: usize,
    chunk: usize,
    start: impl Fn() -> S + Send + Sync,
    write: impl Fn(&mut S, usize, &mut [T]) + Send + Sync,
) -> Vec<T> {
    filled(length, |memory| memory.in_chunks(chunk, start, write))
}

fn zeroed<T: Number>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    memory.fill(MaybeUninit::new(T::default()));
    // SAFETY: every number was written just now.
    #[allow(unsafe_code)]
    unsafe {
        memory.assume_init_mut()
    }
}

/// `length` numbers, filled by `fill`.
pub(crate) fn filled<T: Number>(
    length: usize,
    fill: impl for<'b> FnOnce(Fresh<'b, T>) -> &'b mut [T],
) -> Vec<T> {
    let mut memory = Memory::new(length);
    memory.write(0..length, fill);
    memory.into_numbers()
}

/// Memory without numbers. Every method that fills it returns it with numbers.
pub(crate) struct Fresh<'a, T>(&'a mut [MaybeUninit<T>]);

impl<'a, T: Number> Fresh<'a, T> {
    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fills the memory with zeros.
    pub(crate) fn zeroed(self) -> &'a mut [T] {
        self.in_chunks(SHARE, || (), |(), _, _| ())
    }

    /// Fills the memory chunk by chunk, see [`in_chunks`].
    pub(crate) fn in_chunks<S>(
        self,
        chunk: usize,
        start: impl Fn() -> S + Send + Sync,
        write: impl Fn(&mut S, usize, &mut [T]) + Send + Sync,
    ) -> &'a mut [T] {
        let chunks = self.0.par_chunks_mut(chunk).enumerate();
        chunks.for_each_init(start, |state, (index, chunk)| {
            write(state, index, zeroed(chunk));
        });
        // SAFETY: every number lies in a chunk that was zeroed.
        #[allow(unsafe_code)]
        unsafe {
            self.0.assume_init_mut()
        }
    }

    /// Fills the memory with a copy of `numbers`.
    ///
    /// # Panics
    ///
    /// Panics if the lengths differ.
    pub(crate) fn copied(self, numbers: &[T]) -> &'a mut [T] {
        assert_eq!(self.len(), numbers.len(), "numbers fill the memory");
        let shares = self.0.par_chunks_mut(SHARE);
        shares
            .zip(numbers.par_chunks(SHARE))
            .for_each(|(share, numbers)| {
                share.write_copy_of_slice(numbers);
            });
        // SAFETY: every number lies in a share that was written.
        #[allow(unsafe_code)]
        unsafe {
            self.0.assume_init_mut()
        }
    }

    /// Fills the memory by writing through a pointer.
    ///
    /// # Safety
    ///
    /// `fill` must write all [`len`](Self::len) numbers and must not read a number before it is written.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn filled(self, fill: impl FnOnce(*mut T)) -> &'a mut [T] {
        fill(self.0.as_mut_ptr().cast());
        // SAFETY: every number was written, as the caller guarantees.
        unsafe { self.0.assume_init_mut() }
    }
}

/// A vector that is written part by part, in any order.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    /// An empty vector with the capacity of all numbers.
    numbers: Vec<T>,
    length: usize,
    written: Vec<Range<usize>>,
}

impl<T: Number> Memory<T> {
    pub(crate) fn new(length: usize) -> Self {
        Self {
            numbers: Vec::with_capacity(length),
            length,
            written: Vec::new(),
        }
    }

    /// Fills a part by `fill`.
    ///
    /// # Panics
    ///
    /// Panics if `range` ends past the end of the vector, or if `fill` returns other memory than the part.
    pub(crate) fn write(
        &mut self,
        range: Range<usize>,
        fill: impl for<'b> FnOnce(Fresh<'b, T>) -> &'b mut [T],
    ) {
        let part = &mut self.numbers.spare_capacity_mut()[..self.length][range.clone()];
        let (start, length) = (part.as_ptr().cast::<T>(), part.len());
        let filled = fill(Fresh(part));
        assert!(
            std::ptr::eq(filled.as_ptr(), start) && filled.len() == length,
            "the part that was filled is the one that was to be"
        );
        self.written.push(range);
    }

    /// The vector, zero in entries that were not written.
    pub(crate) fn into_numbers(mut self) -> Vec<T> {
        self.written.sort_by_key(|range| range.start);
        let mut end = 0;
        for range in self.written.iter().chain([&(self.length..self.length)]) {
            if range.start > end {
                let gap = &mut self.numbers.spare_capacity_mut()[end..range.start];
                Fresh(gap).zeroed();
            }
            end = end.max(range.end);
        }
        // SAFETY: the capacity is `length` at least, and each number lies in a part that was filled or in a gap.
        #[allow(unsafe_code)]
        unsafe {
            self.numbers.set_len(self.length);
        }
        self.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_zero_and_in_the_chunk_of_its_index() {
        for length in [0, 1, 6, 7, 8, 1000, 3 * SHARE + 5] {
            assert!(zeros::<f64>(length) == vec![0.0; length]);
            let numbers: Vec<f32> = in_chunks(
                length,
                7,
                || 1.0,
                |step, index, chunk| {
                    assert!(chunk.iter().all(|number| *number == 0.0));
                    let numbers = chunk.iter_mut().enumerate();
                    numbers
                        .for_each(|(place, number)| *number = *step * (7 * index + place) as f32);
                },
            );
            let expected: Vec<f32> = (0..length).map(|place| place as f32).collect();
            assert!(numbers == expected);
        }
    }
    #[test]
    fn a_vector_is_what_was_written_and_zeros() {
        let mut memory = Memory::<f64>::new(10);
        memory.write(7..9, |part| part.copied(&[1.0, 2.0]));
        memory.write(1..4, |part| part.zeroed());
        memory.write(2..5, |part| part.copied(&[3.0, 4.0, 5.0]));
        memory.write(6..6, |part| part.zeroed());
        let numbers = memory.into_numbers();
        assert_eq!(numbers, [0.0, 0.0, 3.0, 4.0, 5.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
        assert_eq!(Memory::<f32>::new(3).into_numbers(), [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "the part that was filled")]
    fn other_memory_is_not_taken_for_the_part() {
        let mut memory = Memory::<f64>::new(3);
        memory.write(0..2, |_| vec![0.0; 2].leak());
    }

    #[test]
    #[should_panic(expected = "the part that was filled")]
    fn a_part_is_filled_whole() {
        let mut memory = Memory::<f64>::new(3);
        memory.write(0..2, |part| &mut part.zeroed()[..1]);
    }
}
