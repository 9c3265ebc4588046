//! Products of matrices in slices.

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
    /// A matrix whose rows start `stride` numbers apart.
    pub fn new(numbers: &'a [T], shape: [usize; 2], stride: usize) -> Self {
        Self::strided(numbers, shape, [stride, 1])
    }

    /// A matrix with these strides between neighbours in a column and in a row.
    pub fn strided(numbers: &'a [T], shape: [usize; 2], strides: [usize; 2]) -> Self {
        check(numbers.len(), shape, strides);
        Self {
            numbers,
            shape,
            strides,
        }
    }

    /// The transposed matrix, in the same memory.
    pub fn transposed(self) -> Self {
        let ([rows, columns], [down, right]) = (self.shape, self.strides);
        Self {
            numbers: self.numbers,
            shape: [columns, rows],
            strides: [right, down],
        }
    }
}

/// A mutable matrix in a slice, in row-major order.
pub(crate) struct MatrixMut<'a, T> {
    numbers: &'a mut [T],
    shape: [usize; 2],
    stride: usize,
}

impl<'a, T> MatrixMut<'a, T> {
    /// A matrix whose rows start `stride` numbers apart.
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

/// Checks that a matrix fits into `length` numbers.
///
/// # Panics
///
/// Panics if the matrix does not fit or is empty.
fn check(length: usize, [rows, columns]: [usize; 2], [down, right]: [usize; 2]) {
    assert!(rows > 0 && columns > 0, "an empty matrix");
    let last = (rows - 1) * down + (columns - 1) * right;
    assert!(
        last < length,
        "a matrix of {rows} rows {down} apart and {columns} columns needs {} numbers, not {length}",
        last + 1
    );
}

/// Whether a result replaces the numbers in memory or is added to them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Replace,
    Add,
}

/// Whether rayon's threads share the work. The result has the same bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Alone,
    Shared,
}

/// Writes the product of two matrices.
///
/// # Panics
///
/// Panics if the shapes do not match.
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
    // SAFETY: `check` has verified that the last entry, and so every entry, is in the slice, and `MatrixMut::new` that
    // rows do not overlap. A mutable slice shares no memory with the factors.
    unsafe { write_product(numbers, stride, left, right, write, work) }
}

/// Fills memory with the product of two matrices, in row-major order.
///
/// # Panics
///
/// Panics if the shapes do not match.
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
        // gemm creates a slice of the memory of a single row or column, which must contain numbers.
        let numbers = memory.zeroed();
        let product = MatrixMut::new(numbers, [rows, columns], columns);
        multiply(product, left, right, Write::Replace, work);
        return numbers;
    }
    // SAFETY: consecutive rows of `columns` numbers fill the memory. A product that replaces numbers does not read them
    // before it writes them, and no factor shares the memory.
    unsafe {
        memory.filled(|numbers| {
            write_product(numbers, columns, left, right, Write::Replace, work);
        })
    }
}

/// The memory for a sum of products of one shape, in row-major order. The first product fills it.
pub(crate) enum Target<'a, T> {
    Empty(Fresh<'a, T>),
    Sum(&'a mut [T]),
}

impl<'a, T: Float> Target<'a, T> {
    /// Adds a product.
    ///
    /// # Panics
    ///
    /// Panics if the shapes do not match.
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

    /// The sum, zero without products.
    pub fn sum(self) -> &'a mut [T] {
        match self {
            Self::Empty(memory) => memory.zeroed(),
            Self::Sum(sum) => sum,
        }
    }
}

/// The rows and columns of a product.
fn size<T>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> [usize; 2] {
    let ([rows, k], [depth, columns]) = (left.shape, right.shape);
    assert_eq!(k, depth, "columns of the left and rows of the right matrix");
    [rows, columns]
}

/// Writes the product of two matrices through a pointer.
///
/// # Safety
///
/// The rows of the product start at `numbers`, `stride` numbers apart. They must be writable, must not overlap each
/// other or the factors, and must contain numbers unless they are replaced.
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
    // SAFETY: `check` has verified that the last entry of each factor, and so every entry, is in its slice. The caller
    // guarantees the conditions on the product.
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

    /// Every code path of gemm: one row or column, few terms, small, and large enough to be packed and shared.
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
