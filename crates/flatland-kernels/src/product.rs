//! Products of matrices that lie in slices.

use gemm::Parallelism;

use crate::float::Float;
use crate::fresh::Fresh;

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
    assert_eq!(product.shape, size(left, right), "the shape of the product");
    let (numbers, stride) = (product.numbers.as_mut_ptr(), product.stride);
    // SAFETY: `check` has seen that the last entry, and so every entry, lies in the slice, and that rows do not overlap;
    // as a mutable slice it shares no memory with the factors.
    unsafe { write_product(numbers, stride, left, right, write, work) }
}

/// Fills memory with the product of two matrices, row by row.
///
/// # Panics
///
/// Where the shapes do not fit.
#[allow(unsafe_code)]
fn multiplied<'a, T: Float>(
    memory: Fresh<'a, T>,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    work: Work,
) -> &'a mut [T] {
    let [rows, columns] = size(left, right);
    assert_eq!(memory.len(), rows * columns, "the shape of the product");
    if rows == 1 || columns == 1 {
        // The crate makes a slice of the memory of a single row or column, which must hold numbers.
        let numbers = memory.zeroed();
        let product = MatrixMut::new(numbers, [rows, columns], columns);
        multiply(product, left, right, Write::Replace, work);
        return numbers;
    }
    // SAFETY: rows of `columns` numbers one after the other fill the memory, which is not read before it is written
    // where the product replaces what is there, and which no factor shares.
    unsafe {
        memory.filled(|numbers| {
            write_product(numbers, columns, left, right, Write::Replace, work);
        })
    }
}

/// Memory to which products of one shape are added, row by row: the first fills it.
pub(crate) enum Target<'a, T> {
    Empty(Fresh<'a, T>),
    Sum(&'a mut [T]),
}

impl<'a, T: Float> Target<'a, T> {
    /// # Panics
    ///
    /// Where the shapes do not fit.
    pub fn add(self, left: Matrix<'_, T>, right: Matrix<'_, T>, work: Work) -> Self {
        Self::Sum(match self {
            Self::Empty(memory) => multiplied(memory, left, right, work),
            Self::Sum(sum) => {
                let size @ [rows, columns] = size(left, right);
                assert_eq!(sum.len(), rows * columns, "numbers of the product");
                let product = MatrixMut::new(sum, size, columns);
                multiply(product, left, right, Write::Add, work);
                sum
            }
        })
    }

    /// What was added up: zeros, if that is nothing.
    pub fn sum(self) -> &'a mut [T] {
        match self {
            Self::Empty(memory) => memory.zeroed(),
            Self::Sum(sum) => sum,
        }
    }
}

/// Rows and columns of a product.
fn size<T>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> [usize; 2] {
    let ([rows, k], [depth, columns]) = (left.shape, right.shape);
    assert_eq!(k, depth, "columns of the left and rows of the right matrix");
    [rows, columns]
}

/// # Safety
///
/// The rows of the product, `stride` numbers apart from `numbers` on, may be written, do not overlap each other or the
/// factors, and hold numbers unless they are replaced.
#[allow(unsafe_code)]
unsafe fn write_product<T: Float>(
    numbers: *mut T,
    stride: usize,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    write: Write,
    work: Work,
) {
    let ([m, k], [_, n]) = (left.shape, right.shape);
    let signed = |strides: [usize; 2]| strides.map(|stride| stride as isize);
    let ([left_down, left_right], [right_down, right_right]) =
        (signed(left.strides), signed(right.strides));
    let parallelism = match work {
        Work::Alone => Parallelism::None,
        Work::Shared => Parallelism::Rayon(0),
    };
    // SAFETY: `check` has seen that the last entry of each factor, and so every entry, lies in its slice; the caller
    // sees to the product.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            numbers,
            1,
            stride as isize,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh::filled;

    /// Each way that the crate takes: one row or column, few terms, small, and large enough to be packed and shared.
    #[test]
    fn a_product_fills_memory_with_what_replacing_writes() {
        for [rows, depth, columns] in [
            [1, 5, 7],
            [7, 5, 1],
            [9, 1, 8],
            [9, 2, 8],
            [3, 40, 5],
            [16, 300, 16],
            [70, 600, 130],
            [300, 700, 200],
        ] {
            let numbers = |length: usize| (0..length).map(|i| ((i * 7919) % 101) as f32 - 50.0);
            let left: Vec<f32> = numbers(rows * depth).collect();
            let right: Vec<f32> = numbers(depth * columns).collect();
            let lefts = [
                Matrix::new(&left, [rows, depth], depth),
                Matrix::new(&left, [depth, rows], rows).transposed(),
            ];
            let rights = [
                Matrix::new(&right, [depth, columns], columns),
                Matrix::new(&right, [columns, depth], depth).transposed(),
            ];
            for (left, right) in lefts.into_iter().zip(rights) {
                for work in [Work::Alone, Work::Shared] {
                    let mut expected = vec![f32::NAN; rows * columns];
                    let product = MatrixMut::new(&mut expected, [rows, columns], columns);
                    multiply(product, left, right, Write::Replace, work);
                    let found = filled(rows * columns, |memory| {
                        multiplied(memory, left, right, work)
                    });
                    assert!(found == expected, "{rows} {depth} {columns}");
                    assert!(expected.iter().all(|number| number.is_finite()));
                }
            }
        }
    }
}
