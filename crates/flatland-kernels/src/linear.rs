//! Sums of products with the weights of linear layers, without a tape.

use burn::tensor::{Shape, Tensor};

use crate::convolve::{held, numbers};
use crate::flex::{flex, is_plain, tensor};
use crate::float::{Float, for_type};
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

/// The gradient at the weight of a linear layer, `Σ gradientᵀ · input`.
///
/// # Shapes
///
/// - terms: gradient and input, `[batch, features_out]` and `[batch, features_in]`
/// - output: `[features_out, features_in]`
///
/// # Panics
///
/// As [`linear`].
pub fn linear_weight_gradient(terms: &[[&Tensor<2>; 2]]) -> Tensor<2> {
    sum_of_products(terms, [true, false], None)
}

/// The sum of the products of each left with each right factor, transposed or not, and a bias in every row.
fn sum_of_products(
    terms: &[[&Tensor<2>; 2]],
    transposed: [bool; 2],
    bias: Option<&Tensor<1>>,
) -> Tensor<2> {
    let [left, right] = *terms.first().expect("a sum has at least one term");
    if !is_plain(left) {
        let products = terms.iter().map(|term| {
            let [left, right] = [0, 1].map(|side| match transposed[side] {
                true => term[side].clone().transpose(),
                false => term[side].clone(),
            });
            left.matmul(right)
        });
        let sum = products
            .reduce(|sum, product| sum + product)
            .expect("terms");
        return match bias {
            Some(bias) => sum + bias.clone().unsqueeze(),
            None => sum,
        };
    }
    let shapes = [left.dims(), right.dims()];
    let rows = shapes[0][usize::from(transposed[0])];
    let columns = shapes[1][usize::from(!transposed[1])];
    let terms = held(terms);
    let bias = bias.map(|bias| flex(bias.clone()).to_contiguous());
    for_type!(terms[0][0], T => {
        let mut sum = vec![T::default(); rows * columns];
        let mut write = Write::Replace;
        if let Some(bias) = &bias {
            let bias = T::numbers(bias);
            sum.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(bias));
            write = Write::Add;
        }
        for factors in numbers::<T>(&terms) {
            let [left, right] = [0, 1].map(|side| {
                let matrix = Matrix::new(factors[side], shapes[side], shapes[side][1]);
                if transposed[side] { matrix.transposed() } else { matrix }
            });
            let product = MatrixMut::new(&mut sum, [rows, columns], columns);
            multiply(product, left, right, write, Work::Shared);
            write = Write::Add;
        }
        tensor(T::tensor(sum, Shape::from([rows, columns])))
    })
}
