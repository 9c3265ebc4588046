//! Sums of products with the weights of linear layers, without a tape.
//!
//! A matrix product reads its left factor in place and transposes the right one. For a large weight and few samples, as
//! in VGG11, it is faster to transpose the samples or to process the weight in blocks. [`Order`] selects the order.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};
use rayon::prelude::*;

use crate::conv2d::Term;
use crate::convolve::{first, held};
use crate::flat::Flat;
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::{filled, in_chunks, zeros};
use crate::on_flex::numbers;
use crate::product::{Matrix, MatrixMut, Target, Work, Write, multiply};
use crate::transpose::transpose;

/// `Σ input · weightᵀ + bias`.
///
/// # Shapes
///
/// - terms: input and weight, `[batch, features_in]` and `[features_out, features_in]`
/// - bias: `[features_out]`
/// - output: `[batch, features_out]`
///
/// # Panics
///
/// Panics if the shapes do not match, if there are no terms, or if a tensor is on a tape.
pub fn linear(terms: &[[&Tensor<2>; 2]], bias: Option<&Tensor<1>>) -> Tensor<2> {
    sum_of_products(terms, [false, true], bias)
}

/// The gradient at the input of a linear layer, `Σ gradient · weight`.
///
/// # Shapes
///
/// - terms: gradient and weight, `[batch, features_out]` and `[features_out, features_in]`
/// - output: `[batch, features_in]`
///
/// # Panics
///
/// Panics under the conditions of [`linear`].
pub fn linear_input_gradient(terms: &[[&Tensor<2>; 2]]) -> Tensor<2> {
    sum_of_products(terms, [false, false], None)
}

/// Writes the gradient at the weight of a linear layer, `Σ gradientᵀ · input`, to a range of `into`.
///
/// # Shapes
///
/// - terms: gradient and input, `[batch, features_out]` and `[batch, features_in]`
/// - result: `[features_out, features_in]` in row-major order
///
/// # Panics
///
/// Panics under the conditions of [`linear`], and if the length of the range is not the size of the weight.
pub fn linear_weight_gradient(terms: &[[&Tensor<2>; 2]], into: &mut Flat, range: Range<usize>) {
    let shape = Sum::new(terms, [true, false]);
    let [rows, columns] = shape.size();
    assert_eq!(range.len(), rows * columns, "a gradient fills its range");
    let [gradient, _] = first(terms);
    if is_plain(gradient) {
        let terms = held(terms);
        return for_type!(terms[0][0], T => {
            into.write::<T>(range, |memory| {
                shape.add_up(&numbers(&terms), Target::Empty(memory))
            });
        });
    }
    into.put(range, shape.stock(terms).reshape([rows * columns]));
}

/// A sum of products of left and right factors, each transposed or not.
#[derive(Clone, Copy)]
struct Sum {
    shapes: [[usize; 2]; 2],
    transposed: [bool; 2],
}

impl Sum {
    fn new(terms: &[[&Tensor<2>; 2]], transposed: [bool; 2]) -> Self {
        let shapes = first(terms).map(|factor| factor.dims());
        for term in terms {
            assert_eq!(
                term.map(|factor| factor.dims()),
                shapes,
                "terms of one shape"
            );
        }
        let [left, right] = shapes;
        let [is_left_transposed, is_right_transposed] = transposed;
        assert_eq!(
            left[usize::from(!is_left_transposed)],
            right[usize::from(is_right_transposed)],
            "columns of the left and rows of the right factor"
        );
        Self { shapes, transposed }
    }

    /// The rows and columns of the sum.
    fn size(&self) -> [usize; 2] {
        let [left, right] = self.shapes;
        let [is_left_transposed, is_right_transposed] = self.transposed;
        [
            left[usize::from(is_left_transposed)],
            right[usize::from(!is_right_transposed)],
        ]
    }

    /// The sum by burn's operators.
    fn stock(&self, terms: &[[&Tensor<2>; 2]]) -> Tensor<2> {
        let products = terms.iter().map(|term| {
            let [left, right] = [0, 1].map(|side| {
                let factor = term[side].clone();
                if self.transposed[side] {
                    factor.transpose()
                } else {
                    factor
                }
            });
            left.matmul(right)
        });
        products
            .reduce(|sum, product| sum + product)
            .expect("terms")
    }

    /// The factors of one product.
    fn factors<'a, T: Float>(&self, term: &Term<'a, T>) -> [Matrix<'a, T>; 2] {
        [0, 1].map(|side| {
            let shape = self.shapes[side];
            let matrix = Matrix::new(term[side], shape, shape[1]);
            if self.transposed[side] {
                matrix.transposed()
            } else {
                matrix
            }
        })
    }

    /// The sum in row-major order.
    fn add_up<'a, T: Float>(
        &self,
        terms: &[Term<'_, T>],
        mut target: Target<'a, T>,
    ) -> &'a mut [T] {
        for term in terms {
            let [left, right] = self.factors(term);
            target = target.add(left, right, Work::Shared);
        }
        target.sum()
    }
}

/// The rows of a block of the weight, and the most rows of a task.
const TASK: usize = 256;
/// The columns of a block of the weight. A block is read from memory in long rows and then stays in the cache.
const BLOCK: usize = 512;
/// The smallest number of tasks of a sum, if the weight has enough rows.
const TASKS: usize = 8;
/// The smallest number of rows of a task, which is the number of rows that a product processes at a time.
const LEAST_TASK: usize = 48;

/// The order of a sum. [`multiply`] transposes a transposed right factor in memory, and otherwise reads it in groups of
/// columns. For a weight with many more rows than the batch has samples, both cost more than the arithmetic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The sum itself.
    Straight,
    /// The transposed sum, which transposes the batch instead of the weight.
    Transposed,
    /// The sum by blocks of the weight.
    Blocks,
}

impl Order {
    fn of(sum: &Sum) -> Self {
        const FEW: usize = 64;
        const MANY: usize = 1 << 18;
        let [rows, columns] = sum.size();
        let [_, weight] = sum.shapes;
        match sum.transposed {
            [false, true] if 2 * rows < columns => Self::Transposed,
            [false, false]
                if rows <= FEW && columns >= TASKS / 2 * BLOCK && weight[0] * weight[1] >= MANY =>
            {
                Self::Blocks
            }
            _ => Self::Straight,
        }
    }
}

/// The sum, plus a bias in every row.
fn sum_of_products(
    terms: &[[&Tensor<2>; 2]],
    transposed: [bool; 2],
    bias: Option<&Tensor<1>>,
) -> Tensor<2> {
    let shape = Sum::new(terms, transposed);
    let [left, _] = first(terms);
    if !is_plain(left) {
        let sum = shape.stock(terms);
        return match bias {
            Some(bias) => sum + bias.clone().unsqueeze(),
            None => sum,
        };
    }
    if let Some(bias) = bias {
        let [_, columns] = shape.size();
        assert_eq!(bias.dims(), [columns], "a bias for each feature");
    }
    let terms = held(terms);
    let bias = bias.map(reading);
    for_type!(terms[0][0], T => {
        let (terms, bias) = (numbers::<T>(&terms), bias.as_ref().map(T::numbers));
        let sum = match Order::of(&shape) {
            Order::Straight => shape.straight(&terms, bias),
            Order::Transposed => shape.transposed_sum(&terms, bias),
            Order::Blocks => shape.blocks(&terms),
        };
        tensor(T::tensor(sum, Shape::from(shape.size())))
    })
}

impl Sum {
    fn straight<T: Float>(&self, terms: &[Term<'_, T>], bias: Option<&[T]>) -> Vec<T> {
        let [rows, columns] = self.size();
        filled(rows * columns, |memory| {
            let target = match bias {
                None => Target::Empty(memory),
                Some(bias) => {
                    let sum = memory.zeroed();
                    let rows = sum.chunks_exact_mut(columns);
                    rows.for_each(|row| row.copy_from_slice(bias));
                    Target::Sum(sum)
                }
            };
            self.add_up(terms, target)
        })
    }

    /// The sum over terms of an input and a weight. A task processes some rows of the weights and all samples.
    fn transposed_sum<T: Float>(&self, terms: &[Term<'_, T>], bias: Option<&[T]>) -> Vec<T> {
        let [batch, features] = self.size();
        let [[_, depth], _] = self.shapes;
        let most = features.div_ceil(TASKS).clamp(LEAST_TASK, TASK);
        let part = |(): &mut (), task: usize, sum: &mut [T]| {
            let start = task * most;
            let size @ [rows, _] = [sum.len() / batch, batch];
            let mut write = Write::Replace;
            if let Some(bias) = bias {
                let rows = sum.chunks_exact_mut(batch).zip(&bias[start..]);
                rows.for_each(|(row, bias)| row.fill(*bias));
                write = Write::Add;
            }
            for [input, weight] in terms {
                let weight = Matrix::new(&weight[start * depth..], [rows, depth], depth);
                let input = Matrix::new(input, [batch, depth], depth).transposed();
                let product = MatrixMut::new(sum, size, batch);
                multiply(product, weight, input, write, Work::Alone);
                write = Write::Add;
            }
        };
        let transposed = in_chunks(batch * features, most * batch, || (), part);
        let mut sum = zeros(transposed.len());
        transpose(&transposed, batch, &mut sum, Work::Shared);
        sum
    }

    /// The sum over terms of a gradient and a weight. A task processes some columns of the weights and all samples.
    fn blocks<T: Float>(&self, terms: &[Term<'_, T>]) -> Vec<T> {
        let [batch, columns] = self.size();
        let [_, [depth, _]] = self.shapes;
        let ranges = (0..columns)
            .step_by(BLOCK)
            .map(|start| start..columns.min(start + BLOCK));
        let part = |block: &mut Vec<T>, range: Range<usize>| {
            let width = range.len();
            let mut sum = vec![T::default(); batch * width];
            let mut write = Write::Replace;
            for [gradient, weight] in terms {
                for start in (0..depth).step_by(TASK) {
                    let rows = TASK.min(depth - start);
                    block.clear();
                    for row in weight[start * columns..].chunks_exact(columns).take(rows) {
                        block.extend_from_slice(&row[range.clone()]);
                    }
                    let gradient = Matrix::new(&gradient[start..], [batch, rows], depth);
                    let block = Matrix::new(block, [rows, width], width);
                    let product = MatrixMut::new(&mut sum, [batch, width], width);
                    multiply(product, gradient, block, write, Work::Alone);
                    write = Write::Add;
                }
            }
            (range, sum)
        };
        let ranges: Vec<_> = ranges.collect();
        let parts = ranges.into_par_iter().map_init(Vec::new, part);
        let parts: Vec<_> = parts.collect();
        let mut sum = vec![T::default(); batch * columns];
        for (range, part) in parts {
            for (row, part) in sum
                .chunks_exact_mut(columns)
                .zip(part.chunks_exact(range.len()))
            {
                row[range.clone()].copy_from_slice(part);
            }
        }
        sum
    }
}
