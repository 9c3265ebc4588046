use burn::tensor::{DType, Device, TensorData};
use rayon::ThreadPoolBuilder;

use super::*;

/// Pseudo-random numbers in [-1, 1) that `f32` represents exactly.
fn entries(n: usize, seed: u64) -> Vec<f64> {
    (0..n as u64)
        .map(|i| {
            let hash = (i + 1 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (hash >> 40) as f64 / (1u64 << 23) as f64 - 1.0
        })
        .collect()
}

fn tensor(entries: &[f64], dtype: DType) -> Tensor<1> {
    Tensor::from_data(TensorData::from(entries), (&Device::flex(), dtype))
}

/// `count` vectors of length `n`, the first of which is a view of a longer one.
fn vectors(count: usize, n: usize, dtype: DType) -> Vec<Tensor<1>> {
    let vector = |i: usize| match i {
        0 => tensor(&entries(n + 3, 0), dtype).slice(2..n + 2),
        i => tensor(&entries(n, (i as u64) << 40), dtype),
    };
    (0..count).map(vector).collect()
}

/// Lengths at the ends of blocks and tasks, and others.
const LENGTHS: [usize; 8] = [
    1,
    2,
    TASK - 1,
    TASK,
    TASK + 1,
    3 * TASK + 5,
    BLOCK,
    BLOCK + 7,
];

#[test]
fn dot_of_a_million_entries_is_as_exact_as_its_float_type() {
    let n = 1_000_003;
    let (x, y) = (entries(n, 0), entries(n, 1 << 40));
    let exact: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    let magnitude: f64 = x.iter().zip(&y).map(|(x, y)| (x * y).abs()).sum();
    for (dtype, tolerance) in [(DType::F32, 1e-7), (DType::F64, 1e-14)] {
        let (x, y) = (tensor(&x, dtype), tensor(&y, dtype));
        let error = (dot(&x, &y) - exact).abs() / magnitude;
        assert!(error < tolerance, "{dtype:?}: {error:e}");
    }
}

#[test]
fn sums_of_blocks_are_added_in_double_precision() {
    // In f32 the second block would vanish beside the first: 2^24 + 1 = 2^24.
    let mut x = vec![0.0; BLOCK + 1];
    x[0] = 4096.0;
    x[BLOCK] = 1.0;
    let x = tensor(&x, DType::F32);
    assert_eq!(dot(&x, &x), 16_777_217.0);
}

#[test]
fn dot_covers_every_length_and_propagates_nan() {
    for n in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK] {
        let ones = tensor(&vec![1.0; n], DType::F32);
        assert_eq!(dot(&ones, &ones), n as f64);
    }
    let odd = tensor(&[1.0, f64::NAN], DType::F32);
    assert!(dot(&odd, &odd).is_nan());
}

#[test]
#[should_panic(expected = "differ in length")]
fn dot_refuses_vectors_of_different_lengths() {
    dot(
        &tensor(&[1.0], DType::F64),
        &tensor(&[1.0, 2.0], DType::F64),
    );
}

#[test]
fn axpy_leaves_its_arguments_alone() {
    let (x, y) = (
        tensor(&[1.0, 2.0], DType::F64),
        tensor(&[3.0, 4.0], DType::F64),
    );
    let sum = axpy(-0.5, &x, &y);
    assert_eq!(sum.into_data().try_to_vec::<f64>().unwrap(), [2.5, 3.0]);
    assert_eq!(x.into_data().try_to_vec::<f64>().unwrap(), [1.0, 2.0]);
    assert_eq!(y.into_data().try_to_vec::<f64>().unwrap(), [3.0, 4.0]);
}

#[test]
fn a_sum_has_the_bits_of_burns() {
    for dtype in [DType::F32, DType::F64] {
        for n in LENGTHS {
            let vectors = vectors(2, n, dtype);
            let [x, y] = [&vectors[0], &vectors[1]];
            let expected = x.clone() * -0.3 + y.clone();
            axpy(-0.3, x, y)
                .to_data()
                .assert_eq(&expected.to_data(), true);
        }
    }
}

#[test]
fn multiples_are_subtracted_with_the_bits_of_burns() {
    for dtype in [DType::F32, DType::F64] {
        for n in LENGTHS {
            let mut basis = vectors(4, n, dtype);
            let vector = basis.pop().expect("four vectors");
            let factors = tensor(&[0.7, -1.3, 0.01], dtype);
            let terms = basis.iter().zip(factors.clone().split(1, 0));
            let expected = terms.fold(vector.clone(), |v, (basis, factor)| {
                v - basis.clone() * factor
            });
            let before = vector.to_data();
            let rest = subtract_multiples(vector.clone(), &basis, &factors);
            rest.to_data().assert_eq(&expected.to_data(), true);
            vector.to_data().assert_eq(&before, true); // shared here, so it was not overwritten
        }
    }
}

#[test]
fn inner_products_are_those_of_each_vector() {
    for dtype in [DType::F32, DType::F64] {
        for n in LENGTHS {
            let basis = vectors(3, n, dtype);
            let found = inner_products(&basis[..2], &basis[2]);
            assert_eq!(found.dtype(), dtype);
            let exact = |place: usize| basis[place].to_data().iter::<f64>().collect();
            let [x, y, vector]: [Vec<f64>; 3] = [0, 1, 2].map(exact);
            let tolerance = if dtype == DType::F32 { 1e-7 } else { 1e-15 };
            for (found, x) in found.into_data().iter::<f64>().zip([x, y]) {
                let terms = || x.iter().zip(&vector).map(|(x, y)| x * y);
                let magnitude: f64 = terms().map(f64::abs).sum();
                let error = (found - terms().sum::<f64>()).abs() / magnitude;
                assert!(error < tolerance, "{n} {dtype:?}: {error:e}");
            }
        }
    }
}

#[test]
fn a_rotation_is_the_one_by_burns_operators() {
    let rows: [&[f64]; 2] = [&[0.6, -0.8, 0.1], &[0.8, 0.6, -2.0]];
    for dtype in [DType::F32, DType::F64] {
        for n in LENGTHS {
            let mut turned = vectors(3, n, dtype);
            let mut expected = vectors(3, n, dtype);
            let held = turned[1].clone();
            let before = held.to_data();
            rotate(&mut turned, &rows);
            rotate_by_blocks(&mut expected, &rows);
            assert_eq!(turned.len(), 2);
            for (turned, expected) in turned.iter().zip(expected) {
                turned.to_data().assert_eq(&expected.to_data(), true);
            }
            held.to_data().assert_eq(&before, true); // a shared vector is not overwritten
        }
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let mut basis = vectors(4, 2 * BLOCK + 9, DType::F32);
            let vector = basis.pop().expect("four vectors");
            let factors = inner_products(&basis, &vector);
            let rest = subtract_multiples(vector, &basis, &factors);
            let rest = axpy(0.3, &basis[0], &rest);
            rotate(&mut basis, &[&[0.6, -0.8, 0.1]]);
            (
                dot(&rest, &rest).to_bits(),
                rest.to_data(),
                basis[0].to_data(),
            )
        })
    };
    let alone = run(1);
    for threads in [2, 5] {
        assert!(run(threads) == alone, "{threads} threads");
    }
}

#[test]
#[should_panic(expected = "vectors of one length")]
fn multiples_of_longer_vectors_are_refused() {
    let vectors = [tensor(&[1.0], DType::F64), tensor(&[1.0, 2.0], DType::F64)];
    subtract_multiples(
        vectors[0].clone(),
        &vectors[1..],
        &tensor(&[1.0], DType::F64),
    );
}

#[test]
#[should_panic(expected = "lie in the memory of the old ones")]
fn a_rotation_to_more_vectors_is_refused() {
    rotate(&mut vectors(1, 2, DType::F64), &[&[1.0], &[2.0]]);
}
