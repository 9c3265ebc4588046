//! Sums of products with the weights of linear layers, without a tape.

use std::ops::Range;

use burn::tensor::{Shape, Tensor};

use crate::conv2d::Term;
use crate::convolve::{first, held};
use crate::flat::Flat;
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::zeros;
use crate::on_flex::numbers;
use crate::product::{Matrix, MatrixMut, Work, Write, multiply};

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
/// Where the shapes do not fit, there are no terms, or a tensor is tracked.
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
/// As [`linear`].
pub fn linear_input_gradient(terms: &[[&Tensor<2>; 2]]) -> Tensor<2> {
    sum_of_products(terms, [false, false], None)
}

/// Puts the gradient at the weight of a linear layer, `Σ gradientᵀ · input`, into a range.
///
/// # Shapes
///
/// - terms: gradient and input, `[batch, features_out]` and `[batch, features_in]`
/// - result: `[features_out, features_in]`, row by row
///
/// # Panics
///
/// As [`linear`], and where the range has another length than the weight.
pub fn linear_weight_gradient(terms: &[[&Tensor<2>; 2]], into: &mut Flat, range: Range<usize>) {
    let shape = Sum::new(terms, [true, false]);
    let [rows, columns] = shape.size();
    assert_eq!(range.len(), rows * columns, "a gradient fills its range");
    let [gradient, _] = first(terms);
    if is_plain(gradient) {
        let terms = held(terms);
        return for_type!(terms[0][0], T => {
            shape.write(&numbers::<T>(&terms), Write::Replace, into.slice(range));
        });
    }
    into.put(range, shape.stock(terms).reshape([rows * columns]));
}

/// A sum of the products of left and right factors, transposed or not.
#[derive(Clone, Copy)]
struct Sum {
    shapes: [[usize; 2]; 2],
    transposed: [bool; 2],
}

impl Sum {
    fn new(terms: &[[&Tensor<2>; 2]], transposed: [bool; 2]) -> Self {
        let shapes = first(terms).map(|factor| factor.dims());
        Self { shapes, transposed }
    }

    /// Rows and columns of the sum.
    fn size(&self) -> [usize; 2] {
        let [left, right] = self.shapes;
        let [is_left_transposed, is_right_transposed] = self.transposed;
        [
            left[usize::from(is_left_transposed)],
            right[usize::from(!is_right_transposed)],
        ]
    }

    /// By burn's operators.
    fn stock(&self, terms: &[[&Tensor<2>; 2]]) -> Tensor<2> {
        let products = terms.iter().map(|term| {
            let [left, right] = [0, 1].map(|side| match self.transposed[side] {
                true => term[side].clone().transpose(),
                false => term[side].clone(),
            });
            left.matmul(right)
        });
        products
            .reduce(|sum, product| sum + product)
            .expect("terms")
    }

    /// Row by row.
    fn write<T: Float>(&self, terms: &[Term<'_, T>], mut write: Write, sum: &mut [T]) {
        let size @ [_, columns] = self.size();
        for factors in terms {
            let [left, right] = [0, 1].map(|side| {
                let shape = self.shapes[side];
                let matrix = Matrix::new(factors[side], shape, shape[1]);
                match self.transposed[side] {
                    true => matrix.transposed(),
                    false => matrix,
                }
            });
            let product = MatrixMut::new(sum, size, columns);
            multiply(product, left, right, write, Work::Shared);
            write = Write::Add;
        }
    }
}

/// The sum, and a bias in every row.
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
    let size @ [rows, columns] = shape.size();
    let terms = held(terms);
    let bias = bias.map(reading);
    for_type!(terms[0][0], T => {
        let mut sum = zeros::<T>(rows * columns);
        let mut write = Write::Replace;
        if let Some(bias) = &bias {
            let bias = T::numbers(bias);
            sum.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(bias));
            write = Write::Add;
        }
        shape.write(&numbers::<T>(&terms), write, &mut sum);
        tensor(T::tensor(sum, Shape::from(size)))
    })
}
