//! Operators on long vectors and on bases of vectors, for methods and eigensolvers.
//!
//! On flex, burn's operators use one thread, and each result is a new vector. The operators here use all threads and
//! need no temporary vectors.

use burn::tensor::{Shape, Tensor};
use pulp::Arch;
use rayon::prelude::*;

use crate::flex::{flex, is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::in_chunks;

/// The entries in a partial sum of [`dot`]: few enough for small rounding errors in `f32` and for products in a cache,
/// many enough that a GPU does not wait for kernel launches.
const BLOCK: usize = 1 << 18;

/// The entries of a task on several vectors: few enough that its result stays in a cache.
const TASK: usize = 1 << 13;

/// The entries that [`rotate`] processes at a time on other devices than flex: few enough that blocks need little
/// memory compared with vectors, many enough that a GPU does not wait for kernel launches.
const ROTATED: usize = 1 << 20;

/// The inner product `xᵀy`.
///
/// The products and their sums over blocks of 2¹⁸ entries are computed on the device, in its float type. The sums of
/// the blocks are added on the host, in `f64` and in order. The device is read once, and no temporary is longer than a
/// block.
///
/// A matrix product, `[1, n] × [n, 1]`, is not used because a GPU may round the factors of a matrix product to fewer
/// bits (TF32).
///
/// # Panics
///
/// Panics if the lengths differ.
pub fn dot(x: &Tensor<1>, y: &Tensor<1>) -> f64 {
    let ([n], [m]) = (x.dims(), y.dims());
    assert_eq!(n, m, "the vectors of an inner product differ in length");
    if n == 0 {
        return 0.0;
    }
    let blocks = |vector: &Tensor<1>| vector.clone().split(BLOCK, 0);
    let product = |(x, y): (Tensor<1>, Tensor<1>)| (x * y).sum();
    let sums: Vec<_> = if is_plain(x) {
        let pairs = blocks(x).into_par_iter().zip(blocks(y));
        pairs.map(product).collect()
    } else {
        blocks(x).into_iter().zip(blocks(y)).map(product).collect()
    };
    Tensor::cat(sums, 0).into_data().iter::<f64>().sum()
}

/// `y + a·x`, without temporary vectors.
///
/// # Panics
///
/// Panics if the lengths differ.
pub fn axpy(a: f64, x: &Tensor<1>, y: &Tensor<1>) -> Tensor<1> {
    let ([n], [m]) = (x.dims(), y.dims());
    assert_eq!(n, m, "the vectors of a sum differ in length");
    if !is_plain(x) {
        return x.clone() * a + y.clone();
    }
    let (x, y) = (reading(x), reading(y));
    tensor(for_type!(x, T => {
        let (a, x, y) = (T::from_f64(a), T::numbers(&x), T::numbers(&y));
        let sum = in_chunks(n, TASK, || (), |(), index, sum| {
            let range = index * TASK..index * TASK + sum.len();
            sum.copy_from_slice(&y[range.clone()]);
            add_multiple(sum, a, &x[range]);
        });
        T::tensor(sum, Shape::from([n]))
    }))
}

/// The inner products of a vector with the vectors of a basis, on the device. On flex, sums are computed in `f64`.
///
/// It does not use a matrix product, see [`dot`]. A basis is a list of vectors because a matrix would be copied
/// whenever the basis grows.
///
/// # Shapes
///
/// - basis, vector: `[n]`
/// - output: `[basis vectors]`
///
/// # Panics
///
/// Panics if the lengths differ or the basis is empty.
pub fn inner_products(basis: &[Tensor<1>], vector: &Tensor<1>) -> Tensor<1> {
    if !is_plain(vector) {
        let products = basis
            .iter()
            .map(|basis| (basis.clone() * vector.clone()).sum());
        return Tensor::cat(products.collect(), 0);
    }
    assert!(!basis.is_empty(), "a basis has a vector at least");
    let vector = reading(vector);
    let basis: Vec<_> = basis.iter().map(reading).collect();
    tensor(for_type!(vector, T => {
        let vector = T::numbers(&vector);
        let basis: Vec<&[T]> = basis.iter().map(T::numbers).collect();
        check_lengths(&basis, vector);
        let parts: Vec<Vec<f64>> = (vector.par_chunks(TASK).enumerate())
            .map(|(index, part)| {
                let range = index * TASK..index * TASK + part.len();
                basis.iter().map(|basis| inner_product(&basis[range.clone()], part)).collect()
            })
            .collect();
        let sums = (0..basis.len()).map(|place| parts.iter().map(|part| part[place]).sum());
        T::channels(sums.map(T::from_f64).collect())
    }))
}

fn check_lengths<T>(basis: &[&[T]], vector: &[T]) {
    let is_as_long = |basis: &&[T]| basis.len() == vector.len();
    assert!(basis.iter().all(is_as_long), "vectors of one length");
}

/// The inner product in `f64`, in several partial sums for vector instructions.
fn inner_product<T: Float>(x: &[T], y: &[T]) -> f64 {
    const LANES: usize = 16;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let (x, x_rest) = x.as_chunks::<LANES>();
            let (y, y_rest) = y.as_chunks::<LANES>();
            for (x, y) in x.iter().zip(y) {
                for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                    *sum += (*x).into() * (*y).into();
                }
            }
            let rest = x_rest.iter().zip(y_rest);
            let rest: f64 = rest.map(|(x, y)| (*x).into() * (*y).into()).sum();
            sums.iter().sum::<f64>() + rest
        },
    )
}

/// `vector − Σ factors[i]·basis[i]`. The result overwrites `vector`, unless its memory is shared.
///
/// # Shapes
///
/// - vector, basis and output: `[n]`
/// - factors: `[basis vectors]`
///
/// # Panics
///
/// Panics if the lengths differ, or if the numbers of factors and basis vectors differ.
pub fn subtract_multiples(
    vector: Tensor<1>,
    basis: &[Tensor<1>],
    factors: &Tensor<1>,
) -> Tensor<1> {
    assert_eq!(
        factors.dims(),
        [basis.len()],
        "each basis vector has a factor"
    );
    if !is_plain(&vector) {
        let terms = basis.iter().zip(factors.clone().split(1, 0));
        return terms.fold(vector, |vector, (basis, factor)| {
            vector - basis.clone() * factor
        });
    }
    let (mut vector, factors) = (flex(vector), reading(factors));
    let basis: Vec<_> = basis.iter().map(reading).collect();
    for_type!(factors, T => {
        let basis: Vec<&[T]> = basis.iter().map(T::numbers).collect();
        let numbers = T::numbers_mut(&mut vector);
        check_lengths(&basis, numbers);
        numbers.par_chunks_mut(TASK).enumerate().for_each(|(index, numbers)| {
            let range = index * TASK..index * TASK + numbers.len();
            for (basis, factor) in basis.iter().zip(T::numbers(&factors)) {
                add_multiple(numbers, T::default() - *factor, &basis[range.clone()]);
            }
        });
    });
    tensor(vector)
}

/// Replaces the vectors of a basis by linear combinations: the new vector `i` is `Σⱼ weights[i][j]·basis[j]`.
///
/// The new vectors overwrite the old ones block by block, so no additional vectors are needed.
///
/// # Panics
///
/// Panics if there are more new vectors than old ones, if the length of a row is not the number of old vectors, or if
/// the lengths of the vectors differ.
pub fn rotate(basis: &mut Vec<Tensor<1>>, weights: &[&[f64]]) {
    let count = basis.len();
    assert!(
        weights.len() <= count,
        "new vectors lie in the memory of the old ones"
    );
    assert!(
        weights.iter().all(|row| row.len() == count),
        "each vector has a weight"
    );
    let is_alike = |pair: &[Tensor<1>]| pair[0].dims() == pair[1].dims();
    assert!(basis.windows(2).all(is_alike), "vectors of one length");
    if basis.first().is_some_and(is_plain) {
        rotate_on_flex(basis, weights);
    } else {
        rotate_by_blocks(basis, weights);
    }
    basis.truncate(weights.len());
}

fn rotate_on_flex(basis: &mut [Tensor<1>], weights: &[&[f64]]) {
    let taken = basis.iter_mut().map(|vector| {
        let empty = Tensor::empty([0], &vector.device());
        flex(std::mem::replace(vector, empty))
    });
    let mut taken: Vec<_> = taken.collect();
    for_type!(taken[0], T => {
        let weights: Vec<Vec<T>> = (weights.iter())
            .map(|row| row.iter().map(|weight| T::from_f64(*weight)).collect())
            .collect();
        let mut chunks: Vec<_> = (taken.iter_mut())
            .map(|vector| T::numbers_mut(vector).chunks_mut(TASK))
            .collect();
        let tasks = std::iter::from_fn(|| chunks.iter_mut().map(Iterator::next).collect());
        let tasks: Vec<Vec<&mut [T]>> = tasks.collect();
        tasks.into_par_iter().for_each_init(Vec::new, |new, mut old| {
            let length = old[0].len();
            new.clear();
            new.resize(weights.len() * length, T::default());
            for (new, weights) in new.chunks_exact_mut(length).zip(&weights) {
                for (old, weight) in old.iter().zip(weights) {
                    add_multiple(new, *weight, old);
                }
            }
            for (old, new) in old.iter_mut().zip(new.chunks_exact(length)) {
                old.copy_from_slice(new);
            }
        });
    });
    for (vector, rotated) in basis.iter_mut().zip(taken) {
        *vector = tensor(rotated);
    }
}

fn rotate_by_blocks(basis: &mut [Tensor<1>], weights: &[&[f64]]) {
    let dimension = basis.first().map_or(0, |vector| vector.dims()[0]);
    for start in (0..dimension).step_by(ROTATED) {
        let range = start..dimension.min(start + ROTATED);
        let old = basis.iter().map(|v| v.clone().slice(range.clone()));
        let old: Vec<_> = old.collect();
        let new = weights.iter().map(|row| {
            (old.iter().zip(*row))
                .map(|(block, weight)| block.clone() * *weight)
                .reduce(|sum, term| sum + term)
                .expect("a basis vector at least")
        });
        let new: Vec<_> = new.collect();
        drop(old); // a vector whose memory is shared would be copied
        for (vector, block) in basis.iter_mut().zip(new) {
            vector.inplace(|vector| vector.slice_assign([range.clone()], block));
        }
    }
}

/// Adds `factor·numbers` to `sum`.
fn add_multiple<T: Float>(sum: &mut [T], factor: T, numbers: &[T]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (sum, number) in sum.iter_mut().zip(numbers) {
                *sum += factor * *number;
            }
        },
    );
}

#[cfg(test)]
mod tests;
