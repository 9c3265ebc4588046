//! An orthonormal basis that grows by products, and the operator seen in it.

use crate::vector;
use burn::tensor::{Tensor, TensorData};

use crate::{Error, SymmetricOperator, error::require_length, jacobi};

/// A Krylov decomposition `A·X = [X P]·H` with orthonormal columns `[X P]`.
///
/// `X` are the *expanded* vectors, those that were multiplied by `A`; `P` are the *pending* ones, that take up whatever
/// of the products lies outside `X`. An expansion multiplies the latest pending vector and appends what is new in the
/// product, so that from one start vector this is the Lanczos process; a pending vector that was put there at random
/// starts a Krylov space of its own without anything being lost of the others. `H` is kept whole, as measured: its
/// upper square is the projected operator (symmetric up to rounding), its lower rows give every residual exactly.
pub(crate) struct Krylov {
    /// `X`, then `P`.
    vectors: Vec<Tensor<1>>,
    /// The columns of `H`, one for each expanded vector; entries that are missing at the end are zero.
    columns: Vec<Vec<f64>>,
    /// The largest `‖A·v‖` of a unit vector so far: a lower bound of `‖A‖`.
    norm: f64,
    /// The largest `|vᵢᵀ(A·vⱼ) − vⱼᵀ(A·vᵢ)|` so far.
    asymmetry: f64,
    /// Products so far.
    products: usize,
    /// Random vectors so far.
    draws: u64,
    seed: u64,
}

/// The eigenpairs `(θ, y)` of the projected operator: `θ` and `X·y` approximate an eigenpair of the operator.
pub(crate) struct Ritz {
    /// The values, the largest first.
    pub(crate) values: Vec<f64>,
    weights: Vec<Vec<f64>>,
}

impl Krylov {
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

    /// How many vectors the basis holds.
    pub(crate) fn len(&self) -> usize {
        self.vectors.len()
    }

    /// How many of them were multiplied.
    pub(crate) fn expanded(&self) -> usize {
        self.columns.len()
    }

    /// How many of them were not.
    pub(crate) fn pending(&self) -> usize {
        self.len() - self.expanded()
    }

    /// How many products were taken.
    pub(crate) fn products(&self) -> usize {
        self.products
    }

    /// Appends a random vector to the pending ones, plus, in the empty basis, the sum of the vectors in `start`.
    ///
    /// Start and random part have the same norm in every direction of `start`...
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
            // All but certain at the first draw: a random vector lies almost in a space that does not nearly hold all.
            if norm > 1e-4 {
                self.vectors.push(vector / norm);
                for column in &mut self.columns {
                    column.push(0.0);
                }
                return;
            }
        }
    }

    /// Multiplies the pending vector at `place` among the pending ones. What is new in the product takes its place;
    /// where nothing is new, the place is closed. Says which.
    ///
    /// # Panics
    ///
    /// If there is no such vector.
    pub(crate) fn expand<A: SymmetricOperator + ?Sized>(
        &mut self,
        operator: &mut A,
        place: usize,
    ) -> Result<bool, Error> {
        let expanded = self.expanded();
        let vector = self.vectors[expanded + place].clone();
        let product = operator.apply(&vector);
        self.products += 1;
        let [length] = product.dims();
        require_length("a product", operator.dimension(), length)?;

        let (rest, column) = self.orthogonalized(product);
        let rest_norm = vector::norm(&rest);
        let squares: f64 = column.iter().map(|entry| entry * entry).sum();
        let norm = squares.sqrt().hypot(rest_norm);
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

        self.columns.push(column);
        for column in &mut self.columns {
            let entry = std::mem::take(&mut column[expanded + place]);
            column.insert(expanded, entry);
        }
        self.vectors.insert(expanded, vector);
        let place = expanded + 1 + place;
        let has_grown =
            self.expanded() + self.pending() <= length && rest_norm > self.rounding(operator);
        if has_grown {
            self.vectors[place] = rest / rest_norm;
            self.columns[expanded][place] = rest_norm;
        } else {
            self.vectors.remove(place);
            for column in &mut self.columns {
                column.remove(place);
            }
        }
        Ok(has_grown)
    }

    /// The place, among the pending vectors, of the one that carries most of the residuals of the Ritz pairs at
    /// `places`: multiplying it is what brings them down.
    pub(crate) fn heaviest(&self, ritz: &Ritz, places: &[usize]) -> usize {
        let mut squares = vec![0.0; self.pending()];
        for &place in places {
            let image = self.image(&ritz.weights[place]);
            for (sum, entry) in squares.iter_mut().zip(&image[self.expanded()..]) {
                *sum += entry * entry;
            }
        }
        (0..squares.len())
            .max_by(|&i, &j| squares[i].total_cmp(&squares[j]))
            .unwrap_or(0)
    }

    /// The level below which a residual means nothing: what rounding makes of products of this size, or the asymmetry
    /// that was measured, if that is more.
    pub(crate) fn noise<A: SymmetricOperator + ?Sized>(&self, operator: &A) -> f64 {
        self.rounding(operator).max(self.asymmetry)
    }

    fn rounding<A: SymmetricOperator + ?Sized>(&self, operator: &A) -> f64 {
        let float = operator.dtype().finfo().expect("vectors of a float type");
        8.0 * float.epsilon * self.norm
    }

    /// The Ritz pairs of the expanded vectors.
    pub(crate) fn ritz(&self) -> Ritz {
        let n = self.expanded();
        let entry = |i: usize, j: usize| self.columns[j][i];
        let projected = (0..n)
            .map(|i| (0..n).map(|j| (entry(i, j) + entry(j, i)) / 2.0).collect())
            .collect();
        let eigen = jacobi::eigen(projected);
        Ritz {
            values: eigen.values,
            weights: eigen.vectors,
        }
    }

    /// `‖A·x − θ·x‖` for the Ritz pair at `place`, from `H` alone.
    pub(crate) fn residual(&self, ritz: &Ritz, place: usize) -> f64 {
        let (value, weights) = (ritz.values[place], &ritz.weights[place]);
        let mut residual = self.image(weights);
        for (entry, weight) in residual.iter_mut().zip(weights) {
            *entry -= value * weight;
        }
        residual
            .iter()
            .map(|entry| entry * entry)
            .sum::<f64>()
            .sqrt()
    }

    /// The Ritz vector at `place`.
    pub(crate) fn vector(&self, ritz: &Ritz, place: usize) -> Tensor<1> {
        let terms = self.vectors.iter().zip(&ritz.weights[place]);
        terms
            .map(|(vector, &weight)| vector.clone() * weight)
            .reduce(|sum, term| sum + term)
            .expect("an expanded vector")
    }

    /// Replaces the expanded vectors by the Ritz vectors at `places`; the pending ones stay.
    pub(crate) fn restart(&mut self, ritz: &Ritz, places: &[usize]) {
        let (expanded, len) = (self.expanded(), self.len());
        let columns = (places.iter())
            .map(|&place| {
                let image = self.image(&ritz.weights[place]);
                let kept = places.iter().map(|&row| {
                    let terms = ritz.weights[row].iter().zip(&image);
                    terms.map(|(weight, entry)| weight * entry).sum()
                });
                kept.chain(image[expanded..len].iter().copied()).collect()
            })
            .collect();
        let vectors = places.iter().map(|&place| self.vector(ritz, place));
        let vectors = vectors.collect::<Vec<_>>().into_iter();
        self.vectors = vectors.chain(self.vectors.drain(expanded..)).collect();
        self.columns = columns;
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

    /// `vector` less its components in the basis, and these.
    ///
    /// Gram and Schmidt's process in its classical form, whose inner products do not wait for each other, run twice,
    /// which makes the result orthogonal to rounding. The components are read from the device once.
    fn orthogonalized(&self, vector: Tensor<1>) -> (Tensor<1>, Vec<f64>) {
        if self.vectors.is_empty() {
            return (vector, Vec::new());
        }
        let first = self.components(&vector);
        let vector = self.without(vector, &first);
        let second = self.components(&vector);
        let vector = self.without(vector, &second);
        (vector, (first + second).into_data().iter().collect())
    }

    /// The inner products with the vectors of the basis, on the device.
    ///
    /// Products and sums rather than a matrix product, whose factors a GPU may round to fewer bits; and one vector
    /// after the other, since to keep them as the rows of one matrix would mean to copy them all.
    fn components(&self, vector: &Tensor<1>) -> Tensor<1> {
        let products = self
            .vectors
            .iter()
            .map(|basis| (basis.clone() * vector.clone()).sum());
        Tensor::cat(products.collect(), 0)
    }

    fn without(&self, vector: Tensor<1>, components: &Tensor<1>) -> Tensor<1> {
        let components = components.clone().split(1, 0);
        (self.vectors.iter().zip(components)).fold(vector, |vector, (basis, component)| {
            vector - basis.clone() * component
        })
    }
}

/// A random unit vector, uniform on the sphere, drawn on the host so that every device gets the same one.
pub(crate) fn random_unit_vector<A: SymmetricOperator + ?Sized>(
    operator: &A,
    seed: u64,
    index: u64,
) -> Tensor<1> {
    let mut stream = flatland_random::stream(seed, "eigenvector start", index);
    let entries: Vec<f64> = (0..operator.dimension())
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    let norm = entries
        .iter()
        .map(|entry| entry * entry)
        .sum::<f64>()
        .sqrt();
    let data = TensorData::from(entries.as_slice());
    Tensor::from_data(data, (&operator.device(), operator.dtype())) / norm
}
