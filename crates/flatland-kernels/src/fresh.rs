//! New memory, which is zeroed by the threads that go on with it. `vec![0.0; n]` has one thread do that for all of it,
//! while the others wait.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::float::Float;

/// Numbers that a thread zeroes, at least.
const SHARE: usize = 1 << 16;

/// So many zeros.
pub(crate) fn zeros<T: Float>(length: usize) -> Vec<T> {
    in_chunks(length, SHARE, || (), |(), _, _| ())
}

/// So many numbers, which are zeros until `write` has been given them: chunk by chunk, with the chunk's index, and with
/// what `start` makes for some chunks in a row.
pub(crate) fn in_chunks<T: Float, S>(
    length: usize,
    chunk: usize,
    start: impl Fn() -> S + Send + Sync,
    write: impl Fn(&mut S, usize, &mut [T]) + Send + Sync,
) -> Vec<T> {
    let mut numbers = Vec::with_capacity(length);
    let memory = &mut numbers.spare_capacity_mut()[..length];
    let chunks = memory.par_chunks_mut(chunk).enumerate();
    chunks.for_each_init(start, |state, (index, chunk)| {
        write(state, index, zeroed(chunk));
    });
    // SAFETY: the capacity is `length` at least, and each number lies in a chunk that was zeroed.
    #[allow(unsafe_code)]
    unsafe {
        numbers.set_len(length);
    }
    numbers
}

fn zeroed<T: Float>(memory: &mut [MaybeUninit<T>]) -> &mut [T] {
    memory.fill(MaybeUninit::new(T::default()));
    // SAFETY: every number was written just now.
    #[allow(unsafe_code)]
    unsafe {
        memory.assume_init_mut()
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
}
