//! Symmetric matrices with a given spectrum, and the checks that every result has to pass.

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_sharpness::{DenseMatrix, EigenPairs, SymmetricOperator, Wanted};

pub(crate) struct Matrix {
    /// The eigenvalues, the largest first.
    pub(crate) spectrum: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

impl Matrix {
    /// A matrix with these eigenvalues and random eigenvectors: a diagonal one after as many random reflections.
    pub(crate) fn new(mut spectrum: Vec<f64>, seed: u64) -> Self {
        spectrum.sort_by(|x, y| y.total_cmp(x));
        Self::unsorted(spectrum, seed)
    }

    /// The same with the eigenvalues, and so the eigenvectors, in the order given.
    pub(crate) fn unsorted(spectrum: Vec<f64>, seed: u64) -> Self {
        let n = spectrum.len();
        let mut matrix = Self::diagonal(spectrum);
        for index in 0..n as u64 {
            matrix.reflect(&unit_vector(n, seed, index));
        }
        matrix
    }

    /// The diagonal matrix with these entries.
    pub(crate) fn diagonal(spectrum: Vec<f64>) -> Self {
        let n = spectrum.len();
        let mut rows = vec![vec![0.0; n]; n];
        for (i, &value) in spectrum.iter().enumerate() {
            rows[i][i] = value;
        }
        Self { spectrum, rows }
    }

    /// `(I − 2uuᵀ)·A·(I − 2uuᵀ)`
    pub(crate) fn reflect(&mut self, u: &[f64]) {
        let image = self.times(u);
        let curvature = dot(u, &image);
        for (i, row) in self.rows.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry -= 2.0 * (u[i] * image[j] + image[i] * u[j]) - 4.0 * curvature * u[i] * u[j];
            }
        }
        // Symmetric to the last bit.
        for i in 0..u.len() {
            for j in 0..i {
                self.rows[i][j] = self.rows[j][i];
            }
        }
    }

    pub(crate) fn dimension(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn operator(&self, dtype: DType) -> DenseMatrix {
        let n = self.dimension();
        let data = TensorData::new(self.rows.concat(), [n, n]);
        DenseMatrix::new(Tensor::from_data(data, (&Device::flex(), dtype)))
    }

    pub(crate) fn norm(&self) -> f64 {
        self.spectrum
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()))
    }

    /// The wanted eigenvalues.
    pub(crate) fn wanted(&self, wanted: Wanted) -> Vec<f64> {
        let descending = self.spectrum.iter().copied();
        match wanted {
            Wanted::Ends { largest, smallest } => {
                let ascending = descending.clone().rev();
                descending
                    .take(largest)
                    .chain(ascending.take(smallest))
                    .collect()
            }
            Wanted::Magnitude(count) => {
                let mut values = self.spectrum.clone();
                values.sort_by(|x, y| y.abs().total_cmp(&x.abs()));
                values.truncate(count);
                values
            }
        }
    }

    /// Asserts that `values` are the wanted eigenvalues up to `tolerance` times the norm. Of magnitudes that are equal
    /// but for their sign, either may come first.
    pub(crate) fn assert_wanted(&self, values: &[f64], wanted: Wanted, tolerance: f64) {
        let (mut values, mut exact) = (values.to_vec(), self.wanted(wanted));
        if let Wanted::Magnitude(_) = wanted {
            values
                .iter_mut()
                .chain(&mut exact)
                .for_each(|value| *value = value.abs());
        }
        assert_close(&values, &exact, tolerance * self.norm());
    }

    /// `‖Av − λv‖`, in `f64`.
    pub(crate) fn residual(&self, value: f64, vector: &Tensor<1>) -> f64 {
        let vector = host(vector);
        let image = self.times(&vector);
        let squares = image
            .iter()
            .zip(&vector)
            .map(|(a, v)| (a - value * v).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// Asserts what holds for every result: residuals that are true, values that are as close to an eigenvalue as
    /// these say, vectors that are orthonormal.
    pub(crate) fn check(&self, pairs: &EigenPairs, rounding: f64) {
        let slack = rounding * self.norm();
        assert_eq!(pairs.values.len(), pairs.vectors.len());
        assert_eq!(pairs.values.len(), pairs.residuals.len());
        for ((&value, vector), &residual) in pairs
            .values
            .iter()
            .zip(&pairs.vectors)
            .zip(&pairs.residuals)
        {
            let recomputed = self.residual(value, vector);
            assert!(
                (residual - recomputed).abs() <= slack,
                "residual {residual:e}, recomputed {recomputed:e}"
            );
            let distances = self.spectrum.iter().map(|exact| (exact - value).abs());
            let distance = distances.fold(f64::INFINITY, f64::min);
            assert!(
                distance <= residual + slack,
                "{value} is {distance:e} away, residual {residual:e}"
            );
        }
        let vectors: Vec<Vec<f64>> = pairs.vectors.iter().map(host).collect();
        for (i, x) in vectors.iter().enumerate() {
            for (j, y) in vectors.iter().enumerate() {
                let expected = f64::from(i == j);
                assert!(
                    (dot(x, y) - expected).abs() <= rounding,
                    "vectors {i} and {j}: {}",
                    dot(x, y)
                );
            }
        }
    }

    /// The entry in a row and a column.
    pub(crate) fn entry(&self, row: usize, column: usize) -> f64 {
        self.rows[row][column]
    }

    /// The product with a vector, in `f64`.
    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, vector)).collect()
    }
}

/// A random unit vector.
pub(crate) fn unit_vector(n: usize, seed: u64, index: u64) -> Vec<f64> {
    let mut stream = flatland_random::stream(seed, "test matrix", index);
    let entries: Vec<f64> = (0..n)
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    let norm = dot(&entries, &entries).sqrt();
    entries.iter().map(|entry| entry / norm).collect()
}

pub(crate) fn host(vector: &Tensor<1>) -> Vec<f64> {
    vector.clone().into_data().iter().collect()
}

pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Asserts that two lists agree to `tolerance`.
pub(crate) fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (place, (actual, exact)) in actual.iter().zip(expected).enumerate() {
        assert!(
            (actual - exact).abs() <= tolerance,
            "value {place} is {actual}, not {exact}"
        );
    }
}

/// Counts the products, and spoils one of them.
pub(crate) struct Watched<A> {
    pub(crate) operator: A,
    pub(crate) products: usize,
    /// The product that comes out as `NaN`.
    pub(crate) spoiled: Option<usize>,
}

impl<A> Watched<A> {
    pub(crate) fn new(operator: A) -> Self {
        Self {
            operator,
            products: 0,
            spoiled: None,
        }
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Watched<A> {
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        self.products += 1;
        let product = self.operator.apply(vector);
        if self.spoiled == Some(self.products) {
            product * f64::NAN
        } else {
            product
        }
    }
}
