//! A Krylov basis, and the operator projected to it.

use burn::tensor::{DType, Tensor, TensorData};
use flatland_kernels::{inner_products, subtract_multiples};
use flatland_optim::vector;

use crate::{Error, SymmetricOperator, error::require_length, jacobi};

/// A Krylov decomposition `A·X = [X P]·H` with orthonormal columns `[X P]`.
///
/// The *expanded* vectors `X` were multiplied by `A`. The *pending* vectors `P` contain the parts of these products
/// outside `X`. An expansion multiplies a pending vector and replaces it by the new part of the product, so a single
/// start vector gives the Lanczos process. An additional random pending vector starts a Krylov space of its own without
/// changing the others.
///
/// `H` is stored in full, as measured: the rows of `X` are the projected operator `XᵀAX`, which is symmetric up to
/// rounding, and the rows of `P` determine the residuals.
///
/// # References
///
/// - G. W. Stewart (2002). A Krylov–Schur algorithm for large eigenproblems. *SIAM Journal on Matrix Analysis and
///   Applications* 23(3), 601–614. (Decompositions with a full `H`, and their restart.)
/// - L. Giraud, J. Langou, M. Rozložník, J. van den Eshof (2005). Rounding error analysis of the classical Gram–Schmidt
///   orthogonalization process. *Numerische Mathematik* 101, 87–100. (Twice is enough.)
pub(crate) struct Krylov {
    /// `X`, then `P`.
    vectors: Vec<Tensor<1>>,
    /// The columns of `H`, one for each expanded vector.
    columns: Vec<Vec<f64>>,
    /// The largest `‖A·v‖` of a basis vector so far: a lower bound of `‖A‖`.
    norm: f64,
    /// The largest `|xᵀ(A·v) − vᵀ(A·x)|` of basis vectors so far.
    asymmetry: f64,
    /// The number of products so far.
    products: usize,
    /// The number of random vectors so far.
    draws: u64,
    seed: u64,
}

/// The eigenpairs `(θ, y)` of the projected operator; `(θ, X·y)` approximates an eigenpair of the operator.
pub(crate) struct Ritz {
    /// The values, the largest first.
    pub(crate) values: Vec<f64>,
    weights: Vec<Vec<f64>>,
}

impl Krylov {
    /// The empty basis.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            vectors: Vec::new(),
            columns: Vec::new(),
            norm: 0.0,
            asymmetry: 0.0,
            products: 0,
            draws: 0,
            seed,
        }
    }

    /// A basis with one pending vector, which must be a unit vector. Its expansions are the Lanczos process.
    pub(crate) fn from_unit_vector(start: Tensor<1>) -> Self {
        Self {
            vectors: vec![start],
            ..Self::new(0)
        }
    }

    /// The number of vectors in the basis.
    pub(crate) fn len(&self) -> usize {
        self.vectors.len()
    }

    /// The number of expanded vectors.
    pub(crate) fn expanded(&self) -> usize {
        self.columns.len()
    }

    /// The number of pending vectors.
    pub(crate) fn pending(&self) -> usize {
        self.len() - self.expanded()
    }

    /// The number of products.
    pub(crate) fn products(&self) -> usize {
        self.products
    }

    /// Appends a pending vector: a random unit vector plus `start`. The basis must not span the whole space.
    pub(crate) fn push_random<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &A,
        start: Option<Tensor<1>>,
    ) {
        loop {
            let random = random_unit_vector(operator, self.seed, self.draws);
            self.draws += 1;
            let vector = match &start {
                Some(start) => start.clone() + random,
                None => random,
            };
            let (vector, _) = self.orthogonalized(vector);
            let norm = vector::norm(&vector);
            // A shorter remainder is very unlikely and would not be orthogonal to working accuracy.
            if norm > 1e-4 {
                self.vectors.push(vector / norm);
                for column in &mut self.columns {
                    column.push(0.0);
                }
                return;
            }
        }
    }

    /// Multiplies the pending vector at `place`. It is replaced by the part of the product outside the basis, or
    /// removed if there is none.
    pub(crate) fn expand<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &mut A,
        place: usize,
    ) -> Result<(), Error> {
        let expanded = self.expanded();
        let vector = self.vectors[expanded + place].clone();
        let product = operator.apply(&vector);
        self.products += 1;
        let [length] = product.dims();
        require_length("a product", operator.dimension(), length)?;

        let (rest, column) = self.orthogonalized(product);
        let rest_norm = vector::norm(&rest);
        let norm = euclidean_norm(&column).hypot(rest_norm);
        if !norm.is_finite() {
            return Err(Error::NonFiniteProduct {
                product: self.products,
            });
        }
        self.norm = self.norm.max(norm);
        for (earlier, entry) in self.columns.iter().zip(&column) {
            let asymmetry = (earlier[expanded + place] - entry).abs();
            self.asymmetry = self.asymmetry.max(asymmetry);
        }

        self.vectors.insert(expanded, vector);
        self.columns.push(column);
        for column in &mut self.columns {
            let entry = std::mem::take(&mut column[expanded + place]);
            column.insert(expanded, entry);
        }
        // The place now contains the vector a second time, with zeros in its row.
        let row = expanded + 1 + place;
        let has_grown = self.len() <= length && rest_norm > self.rounding(operator);
        if has_grown {
            self.vectors[row] = rest / rest_norm;
            self.columns[expanded][row] = rest_norm;
        } else {
            self.vectors.remove(row);
            for column in &mut self.columns {
                column.remove(row);
            }
        }
        Ok(())
    }

    /// The level below which residuals are noise: the rounding errors of products or, if that is larger, the measured
    /// asymmetry.
    pub(crate) fn noise<A: SymmetricOperator + ?Sized>(&self, operator: &A) -> f64 {
        self.rounding(operator).max(self.asymmetry)
    }

    fn rounding<A: SymmetricOperator + ?Sized>(&self, operator: &A) -> f64 {
        if self.norm == 0.0 {
            return 0.0;
        }
        let float = operator.dtype().finfo().expect("vectors of a float type");
        // Below the second value, the squares in a norm underflow.
        (8.0 * float.epsilon * self.norm).max(float.min_positive.sqrt())
    }

    /// The Ritz pairs.
    pub(crate) fn ritz(&self) -> Ritz {
        let n = self.expanded();
        let entry = |i: usize, j: usize| (self.columns[j][i] + self.columns[i][j]) / 2.0;
        let projected = (0..n)
            .map(|i| (0..n).map(|j| entry(i, j)).collect())
            .collect();
        let (values, weights) = jacobi::eigen(projected);
        Ritz { values, weights }
    }

    /// `‖A·x − θ·x‖` for the Ritz pair at `place`, computed from `H` alone.
    pub(crate) fn residual(&self, ritz: &Ritz, place: usize) -> f64 {
        let (value, weights) = (ritz.values[place], &ritz.weights[place]);
        let mut residual = self.image(weights);
        for (entry, weight) in residual.iter_mut().zip(weights) {
            *entry -= value * weight;
        }
        euclidean_norm(&residual)
    }

    /// The pending vector with the largest part in the residuals of the Ritz pairs at `places`. Its expansion reduces
    /// them most.
    pub(crate) fn heaviest(&self, ritz: &Ritz, places: &[usize]) -> usize {
        let mut squares = vec![0.0; self.pending()];
        for &place in places {
            let image = self.image(&ritz.weights[place]);
            for (sum, entry) in squares.iter_mut().zip(&image[self.expanded()..]) {
                *sum += entry * entry;
            }
        }
        let places = 0..squares.len();
        places
            .max_by(|&i, &j| squares[i].total_cmp(&squares[j]))
            .unwrap_or(0)
    }

    /// The Ritz vectors at `places`.
    pub(crate) fn into_vectors(mut self, ritz: &Ritz, places: &[usize]) -> Vec<Tensor<1>> {
        self.vectors.truncate(self.expanded());
        rotate(&mut self.vectors, ritz, places);
        self.vectors
    }

    /// Replaces the expanded vectors by the Ritz vectors at `places`. The pending vectors stay.
    pub(crate) fn restart(&mut self, ritz: &Ritz, places: &[usize]) {
        let expanded = self.expanded();
        let columns = places.iter().map(|&place| {
            let image = self.image(&ritz.weights[place]);
            let (inside, outside) = image.split_at(expanded);
            let kept = places
                .iter()
                .map(|&row| inner_product(&ritz.weights[row], inside));
            kept.chain(outside.iter().copied()).collect()
        });
        self.columns = columns.collect();
        let pending = self.vectors.split_off(expanded);
        rotate(&mut self.vectors, ritz, places);
        self.vectors.extend(pending);
    }

    /// `H·y`.
    fn image(&self, weights: &[f64]) -> Vec<f64> {
        let mut image = vec![0.0; self.len()];
        for (column, weight) in self.columns.iter().zip(weights) {
            for (sum, entry) in image.iter_mut().zip(column) {
                *sum += weight * entry;
            }
        }
        image
    }

    /// The part of `vector` outside the basis, and its components in the basis.
    ///
    /// This is the classical Gram–Schmidt process, whose inner products do not depend on each other, applied twice. The
    /// device is read once.
    fn orthogonalized(&self, vector: Tensor<1>) -> (Tensor<1>, Vec<f64>) {
        if self.vectors.is_empty() {
            return (vector, Vec::new());
        }
        let first = inner_products(&self.vectors, &vector);
        let vector = subtract_multiples(vector, &self.vectors, &first);
        let second = inner_products(&self.vectors, &vector);
        let vector = subtract_multiples(vector, &self.vectors, &second);
        (vector, (first + second).into_data().iter().collect())
    }
}

/// Replaces expanded vectors by the Ritz vectors at `places`.
fn rotate(vectors: &mut Vec<Tensor<1>>, ritz: &Ritz, places: &[usize]) {
    let weights = places.iter().map(|&place| ritz.weights[place].as_slice());
    flatland_kernels::rotate(vectors, &weights.collect::<Vec<_>>());
}

impl Ritz {
    /// The squared components of the Ritz vectors along the first basis vector. They are the weights of the Gauss
    /// quadrature whose nodes are the Ritz values, and add up to 1.
    pub(crate) fn quadrature_weights(&self) -> Vec<f64> {
        let components = self.weights.iter().map(|weights| weights[0]);
        components.map(|component| component * component).collect()
    }
}

/// A Rademacher vector. It is drawn on the host, so it is the same on every device.
pub(crate) fn rademacher_vector<A: SymmetricOperator + ?Sized>(
    operator: &A,
    seed: u64,
    purpose: &str,
    index: u64,
) -> Tensor<1> {
    let mut stream = flatland_random::stream(seed, purpose, index);
    let dimension = operator.dimension();
    let signs: Vec<f64> = (0..dimension)
        .map(|_| flatland_random::rademacher(&mut stream))
        .collect();
    let data = TensorData::new(signs, [dimension]);
    Tensor::from_data(data, (&operator.device(), operator.dtype()))
}

/// A random unit vector from the uniform distribution on the sphere. It is drawn on the host in `f64`, so it is the
/// same on every device, and rounded entry by entry.
pub(crate) fn random_unit_vector<A: SymmetricOperator + ?Sized>(
    operator: &A,
    seed: u64,
    index: u64,
) -> Tensor<1> {
    let mut stream = flatland_random::stream(seed, "eigenvector start", index);
    let dimension = operator.dimension();
    let mut square = 0.0;
    let entries = (0..dimension).map(|_| {
        let entry = flatland_random::normal(&mut stream);
        square += entry * entry;
        entry
    });
    let data = match operator.dtype() {
        DType::F64 => TensorData::new::<f64, _>(entries.collect(), [dimension]),
        _ => TensorData::new::<f32, _>(entries.map(|x| x as f32).collect(), [dimension]),
    };
    Tensor::from_data(data, (&operator.device(), operator.dtype())) / square.sqrt()
}

fn inner_product(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

fn euclidean_norm(x: &[f64]) -> f64 {
    inner_product(x, x).sqrt()
}
