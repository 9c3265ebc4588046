//! Symmetric operators, given by their products.

use std::fmt;

use burn::tensor::{DType, Device, Tensor};
use flatland_optim::{Curvature, Products};

/// A symmetric linear map, given by its products.
///
/// An implementation must be symmetric up to rounding, or results are inaccurate. [`eigenpairs`](crate::eigenpairs)
/// measures the asymmetry and reports no smaller residual.
pub trait SymmetricOperator {
    /// The length of the operator's vectors.
    fn dimension(&self) -> usize;

    /// The device of the operator's vectors, which is plain (not autodiff).
    fn device(&self) -> Device;

    /// The float type of the operator's vectors.
    fn dtype(&self) -> DType;

    /// The product `A · vector`.
    ///
    /// # Shapes
    ///
    /// - vector, output: `[dimension]`
    ///
    /// # Panics
    ///
    /// Implementations may panic if the backend does.
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
    /// The Hessian of `objective` at `point`, with vectors on the device of `point`. Values that the objective
    /// [shares](Curvature::products_at) between products are dropped with the operator.
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

/// A dense symmetric matrix.
#[derive(Debug, Clone)]
pub struct DenseMatrix {
    /// `[dimension, dimension]`
    entries: Tensor<2>,
}

impl DenseMatrix {
    /// The matrix with these entries.
    ///
    /// # Shapes
    ///
    /// - entries: `[dimension, dimension]`
    ///
    /// # Panics
    ///
    /// Panics if the matrix is not square.
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
