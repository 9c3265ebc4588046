//! What an eigensolver asks of a matrix: products.

use burn::tensor::{DType, Device, Tensor};
use flatland_optim::Curvature;

/// A symmetric linear map, known by its products.
///
/// Symmetry is the implementation's promise. The solvers stay cheap and accurate only while it holds up to rounding;
/// [`eigenpairs`](crate::eigenpairs) measures how far it is broken and reports no residual below that.
pub trait SymmetricOperator {
    /// The length of the vectors it maps.
    fn dimension(&self) -> usize;

    /// Where its vectors live: a plain (not autodiff) device.
    fn device(&self) -> Device;

    /// The float type of its vectors.
    fn dtype(&self) -> DType;

    /// The product `A · vector`.
    ///
    /// # Shapes
    ///
    /// - vector, output: `[dimension]`
    ///
    /// # Panics
    ///
    /// Implementations may panic where the backend does.
    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1>;
}

impl<A: SymmetricOperator + ?Sized> SymmetricOperator for &mut A {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }

    fn device(&self) -> Device {
        (**self).device()
    }

    fn dtype(&self) -> DType {
        (**self).dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        (**self).apply(vector)
    }
}

/// The Hessian `∇²f(point)` of an objective.
#[derive(Debug)]
pub struct Hessian<'a, O: ?Sized> {
    objective: &'a mut O,
    point: &'a Tensor<1>,
}

impl<'a, O: Curvature + ?Sized> Hessian<'a, O> {
    /// The Hessian of `objective` at `point`; its vectors live where the point does.
    pub fn new(objective: &'a mut O, point: &'a Tensor<1>) -> Self {
        Self { objective, point }
    }
}

impl<O: Curvature + ?Sized> SymmetricOperator for Hessian<'_, O> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn device(&self) -> Device {
        self.point.device()
    }

    fn dtype(&self) -> DType {
        self.point.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        self.objective.hvp(self.point, vector)
    }
}

/// A matrix that is there entry by entry.
#[derive(Debug, Clone)]
pub struct DenseMatrix {
    /// `[dimension, dimension]`
    entries: Tensor<2>,
}

impl DenseMatrix {
    /// Takes the entries of a symmetric matrix.
    ///
    /// # Shapes
    ///
    /// - entries: `[dimension, dimension]`
    ///
    /// # Panics
    ///
    /// If the matrix is not square.
    pub fn new(entries: Tensor<2>) -> Self {
        let [rows, columns] = entries.dims();
        assert_eq!(rows, columns, "a symmetric matrix is square");
        Self { entries }
    }
}

impl SymmetricOperator for DenseMatrix {
    fn dimension(&self) -> usize {
        let [rows, _] = self.entries.dims();
        rows
    }

    fn device(&self) -> Device {
        self.entries.device()
    }

    fn dtype(&self) -> DType {
        self.entries.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        let column = vector.clone().reshape([self.dimension(), 1]);
        self.entries
            .clone()
            .matmul(column)
            .reshape([self.dimension()])
    }
}
