//! What an eigensolver asks of a matrix: products.

use std::fmt;

use burn::tensor::{DType, Device, Tensor};
use flatland_optim::{Curvature, Products};

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
pub struct Hessian<'a> {
    point: &'a Tensor<1>,
    products: Products<'a>,
}

impl<'a> Hessian<'a> {
    /// The Hessian of `objective` at `point`; its vectors live where the point does. What the objective
    /// [keeps](Curvature::products_at) of the point lives as long as this.
    pub fn new<O: Curvature + ?Sized>(objective: &'a mut O, point: &'a Tensor<1>) -> Self {
        Self {
            point,
            products: objective.products_at(point),
        }
    }
}

impl fmt::Debug for Hessian<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hessian = f.debug_struct("Hessian");
        hessian.field("point", self.point).finish_non_exhaustive()
    }
}

impl SymmetricOperator for Hessian<'_> {
    fn dimension(&self) -> usize {
        let [dimension] = self.point.dims();
        dimension
    }

    fn device(&self) -> Device {
        self.point.device()
    }

    fn dtype(&self) -> DType {
        self.point.dtype()
    }

    fn apply(&mut self, vector: &Tensor<1>) -> Tensor<1> {
        (self.products)(vector)
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
