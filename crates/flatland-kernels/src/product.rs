//! Products of matrices that lie in slices.

use gemm::Parallelism;
use rayon::prelude::*;

use crate::float::Float;

/// A matrix in a slice, with any strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    numbers: &'a [T],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a, T> Matrix<'a, T> {
    /// Rows of `columns` numbers, which begin `stride` numbers apart.
    pub fn new(numbers: &'a [T], shape: [usize; 2], stride: usize) -> Self {
        Self::strided(numbers, shape, [stride, 1])
    }

    /// Entries that lie so many numbers below each other, and beside each other.
    pub fn strided(numbers: &'a [T], shape: [usize; 2], strides: [usize; 2]) -> Self {
        check(numbers.len(), shape, strides);
        Self {
            numbers,
            shape,
            strides,
        }
    }

    pub fn transposed(self) -> Self {
        let ([rows, columns], [down, right]) = (self.shape, self.strides);
        Self {
            numbers: self.numbers,
            shape: [columns, rows],
            strides: [right, down],
        }
    }
}

/// A matrix in a slice to write to, row by row.
pub(crate) struct MatrixMut<'a, T> {
    numbers: &'a mut [T],
    shape: [usize; 2],
    stride: usize,
}

impl<'a, T> MatrixMut<'a, T> {
    /// Rows of `columns` numbers, which begin `stride` numbers apart.
    pub fn new(numbers: &'a mut [T], [rows, columns]: [usize; 2], stride: usize) -> Self {
        check(numbers.len(), [rows, columns], [stride, 1]);
        assert!(stride >= columns, "rows of {columns} numbers overlap");
        Self {
            numbers,
            shape: [rows, columns],
            stride,
        }
    }
}

/// # Panics
///
/// Where a matrix of this shape does not fit into `length` numbers, or is empty.
fn check(length: usize, [rows, columns]: [usize; 2], [down, right]: [usize; 2]) {
    assert!(rows > 0 && columns > 0, "an empty matrix");
    let last = (rows - 1) * down + (columns - 1) * right;
    assert!(
        last < length,
        "a matrix of {rows} rows {down} apart and {columns} columns needs {} numbers, not {length}",
        last + 1
    );
}

/// Whether a result is added to what is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Replace,
    Add,
}

/// Whether rayon's threads share the work. The result is the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Alone,
    Shared,
}

/// Writes the product of two matrices.
///
/// # Panics
///
/// Where the shapes do not fit.
#[allow(unsafe_code)]
pub(crate) fn multiply<T: Float>(
    product: MatrixMut<'_, T>,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    write: Write,
    work: Work,
) {
    let ([m, k], [depth, n]) = (left.shape, right.shape);
    assert_eq!(k, depth, "columns of the left and rows of the right matrix");
    assert_eq!(product.shape, [m, n], "the shape of the product");
    let signed = |strides: [usize; 2]| strides.map(|stride| stride as isize);
    let ([left_down, left_right], [right_down, right_right]) =
        (signed(left.strides), signed(right.strides));
    let parallelism = match work {
        Work::Alone => Parallelism::None,
        Work::Shared => Parallelism::Rayon(0),
    };
    // SAFETY: `check` has seen that the last entry of each matrix, and so every entry, lies in its slice; the rows of
    // the product do not overlap, and as a mutable slice it shares no memory with the factors.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            product.numbers.as_mut_ptr(),
            1,
            product.stride as isize,
            write == Write::Add,
            left.numbers.as_ptr(),
            left_right,
            left_down,
            right.numbers.as_ptr(),
            right_right,
            right_down,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Writes the transpose of a matrix of `columns` columns, both stored row by row.
pub(crate) fn transpose<T: Float>(matrix: &[T], columns: usize, transposed: &mut [T], work: Work) {
    /// Numbers that a thread takes, at least.
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

const BLOCK: usize = 8;

/// The transposes of the first columns: as many as fill `transposed`.
fn transpose_columns<T: Float>(matrix: &[T], columns: usize, rows: usize, transposed: &mut [T]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (block, lines) in transposed.chunks_mut(BLOCK * rows).enumerate() {
                let matrix = &matrix[block * BLOCK..];
                for top in (0..rows).step_by(BLOCK) {
                    let matrix = &matrix[top * columns..];
                    if rows - top >= BLOCK && lines.len() == BLOCK * rows {
                        transpose_block(matrix, columns, rows, &mut lines[top..]);
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
        },
    );
}

/// A whole block, which the compiler turns in registers.
#[inline(always)]
fn transpose_block<T: Float>(matrix: &[T], columns: usize, rows: usize, transposed: &mut [T]) {
    let mut block = [[T::default(); BLOCK]; BLOCK];
    for (row, numbers) in block.iter_mut().enumerate() {
        numbers.copy_from_slice(&matrix[row * columns..][..BLOCK]);
    }
    for column in 0..BLOCK {
        let line = &mut transposed[column * rows..][..BLOCK];
        line.copy_from_slice(&block.map(|numbers| numbers[column]));
    }
}
