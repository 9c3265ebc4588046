//! Transposes of matrices in slices.

use pulp::{Arch, bytemuck};
use rayon::prelude::*;

use crate::float::Float;
use crate::product::Work;

/// Writes the transpose of a matrix of `columns` columns. Both are in row-major order.
pub(crate) fn transpose<T: Float>(matrix: &[T], columns: usize, transposed: &mut [T], work: Work) {
    /// The smallest number of entries of a thread.
    const SHARE: usize = 1 << 13;
    let rows = matrix.len() / columns;
    assert_eq!(matrix.len(), transposed.len());
    let lines = SHARE.div_ceil(rows).next_multiple_of(BLOCK);
    let some = |(share, lines_of): (usize, &mut [T])| {
        transpose_columns(&matrix[share * lines..], columns, rows, lines_of);
    };
    match work {
        Work::Alone => transpose_columns(matrix, columns, rows, transposed),
        Work::Shared => (transposed.par_chunks_mut(lines * rows).enumerate()).for_each(some),
    }
}

/// The rows and columns of a block that is transposed at once.
const BLOCK: usize = 8;

/// Writes the first columns of the matrix as the rows of `transposed`, until it is full.
fn transpose_columns<T: Float>(matrix: &[T], columns: usize, rows: usize, transposed: &mut [T]) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == size_of::<f32>()
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        let (matrix, transposed) = (
            bytemuck::cast_slice(matrix),
            bytemuck::cast_slice_mut(transposed),
        );
        return simd.vectorize(
            #[inline(always)]
            || {
                in_blocks(matrix, columns, rows, transposed, |block| {
                    transposed_block_f32(simd, block)
                })
            },
        );
    }
    Arch::new().dispatch(
        #[inline(always)]
        || in_blocks(matrix, columns, rows, transposed, transposed_block),
    );
}

type Tile<T> = [[T; BLOCK]; BLOCK];

/// Transposes whole blocks by `transpose_block` and the other entries one by one.
#[inline(always)]
fn in_blocks<T: Copy + Default>(
    matrix: &[T],
    columns: usize,
    rows: usize,
    transposed: &mut [T],
    transpose_block: impl Fn(Tile<T>) -> Tile<T>,
) {
    for (block, lines) in transposed.chunks_mut(BLOCK * rows).enumerate() {
        let matrix = &matrix[block * BLOCK..];
        for top in (0..rows).step_by(BLOCK) {
            let matrix = &matrix[top * columns..];
            if rows - top >= BLOCK && lines.len() == BLOCK * rows {
                let mut block = Tile::default();
                for (row, numbers) in block.iter_mut().enumerate() {
                    numbers.copy_from_slice(&matrix[row * columns..][..BLOCK]);
                }
                for (column, numbers) in transpose_block(block).iter().enumerate() {
                    lines[column * rows + top..][..BLOCK].copy_from_slice(numbers);
                }
                continue;
            }
            for (column, line) in lines.chunks_exact_mut(rows).enumerate() {
                let line = line[top..].iter_mut().take(BLOCK);
                for (row, number) in line.enumerate() {
                    *number = matrix[row * columns + column];
                }
            }
        }
    }
}

#[inline(always)]
fn transposed_block<T: Copy>(block: Tile<T>) -> Tile<T> {
    std::array::from_fn(|column| block.map(|numbers| numbers[column]))
}

/// [`transposed_block`] in eight registers. The compiler would move the numbers one by one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed_block_f32(simd: pulp::x86::V3, block: Tile<f32>) -> Tile<f32> {
    use std::arch::x86_64::__m256;

    let avx = simd.avx;
    let rows: [__m256; BLOCK] = block.map(pulp::cast);
    // Pairs of two rows: the low and the high numbers of each half.
    let pairs: [__m256; BLOCK] = std::array::from_fn(|place| {
        let (upper, lower) = (rows[place / 2 * 2], rows[place / 2 * 2 + 1]);
        match place % 2 {
            0 => avx._mm256_unpacklo_ps(upper, lower),
            _ => avx._mm256_unpackhi_ps(upper, lower),
        }
    });
    // Groups of four rows: columns 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    let fours: [__m256; BLOCK] = std::array::from_fn(|place| {
        let first = place / 4 * 4 + place % 4 / 2;
        let (upper, lower) = (pairs[first], pairs[first + 2]);
        match place % 2 {
            0 => avx._mm256_shuffle_ps::<0b01_00_01_00>(upper, lower),
            _ => avx._mm256_shuffle_ps::<0b11_10_11_10>(upper, lower),
        }
    });
    std::array::from_fn(|column| {
        let (upper, lower) = (fours[column % 4], fours[column % 4 + 4]);
        pulp::cast(match column / 4 {
            0 => avx._mm256_permute2f128_ps::<0x20>(upper, lower),
            _ => avx._mm256_permute2f128_ps::<0x31>(upper, lower),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Float + std::fmt::Debug>() {
        for (rows, columns) in [
            (1, 1),
            (8, 8),
            (16, 24),
            (7, 9),
            (9, 7),
            (33, 70),
            (300, 129),
        ] {
            let matrix: Vec<T> = (0..rows * columns).map(|i| T::from_f64(i as f64)).collect();
            for work in [Work::Alone, Work::Shared] {
                let mut transposed = vec![T::default(); matrix.len()];
                transpose(&matrix, columns, &mut transposed, work);
                for (place, number) in transposed.iter().enumerate() {
                    let (column, row) = (place / rows, place % rows);
                    assert!(
                        *number == matrix[row * columns + column],
                        "{rows}×{columns}"
                    );
                }
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        check::<f32>();
        check::<f64>();
    }
}
