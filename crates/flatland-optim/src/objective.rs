//! The problem: losses, gradients and Hessian-vector products, and the number of their evaluations.
//!
//! A point is a vector: methods and eigensolvers see rank-1 tensors on a plain device. [`module`](crate::module) maps
//! the parameters of a burn module to a vector. The wrapper [`Counted`] counts evaluations, so methods do not.
//!
//! An implementation of [`Curvature::curvature_along`] could compute `gᵀHg` by a second-order forward pass. None does:
//! every layer would need a second tangent, to save one product in an iteration of CDAT.

use burn::tensor::Tensor;

use crate::vector::dot;

/// A differentiable function of a parameter vector.
///
/// Every point, gradient and direction is a rank-1 tensor of length [`dimension`](Objective::dimension) on a plain
/// (not autodiff) device. Scalars are `f64` for every float type of the tensors.
///
/// A value that overflows is returned as `NaN` or infinity. The method decides how to handle it.
///
/// # Panics
///
/// Implementations may panic if the backend does (out of memory, a lost GPU, a point of the wrong length).
pub trait Objective {
    /// The number of parameters.
    fn dimension(&self) -> usize;

    /// `f(point)`, without side effects: no tape, no update of running statistics, no copy of the parameters.
    fn loss(&mut self, point: &Tensor<1>) -> f64;

    /// `f(point)` and `∇f(point)`.
    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>);
}

/// The products of the Hessian at one point with given directions.
pub type Products<'a> = Box<dyn FnMut(&Tensor<1>) -> Tensor<1> + 'a>;

/// An objective with second derivatives.
pub trait Curvature: Objective {
    /// The Hessian-vector product `∇²f(point) · direction`.
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1>;

    /// The products of the Hessian at one point with several directions. An implementation may share work between them.
    /// By default, each product is an [`hvp`](Self::hvp).
    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        Box::new(move |direction| self.hvp(point, direction))
    }

    /// The curvature `directionᵀ · ∇²f(point) · direction`. By default, it takes one [`hvp`](Self::hvp).
    fn curvature_along(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> f64 {
        dot(direction, &self.hvp(point, direction))
    }
}

impl<O: Objective + ?Sized> Objective for &mut O {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        (**self).loss(point)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        (**self).loss_and_gradient(point)
    }
}

impl<O: Curvature + ?Sized> Curvature for &mut O {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        (**self).hvp(point, direction)
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        (**self).products_at(point)
    }

    fn curvature_along(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> f64 {
        (**self).curvature_along(point, direction)
    }
}

/// The number of evaluations of an [`Objective`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// The losses without a gradient.
    pub losses: u64,
    /// The gradients, each with the loss at its point.
    pub gradients: u64,
    /// The Hessian-vector products.
    pub products: u64,
    /// The curvatures along a direction. Each may take a Hessian-vector product.
    pub curvatures: u64,
}

impl Evaluations {
    /// The number of function evaluations in the paper's sense: losses with and without a gradient.
    pub fn functions(&self) -> u64 {
        self.losses + self.gradients
    }
}

/// An objective that counts its evaluations.
#[derive(Debug, Clone)]
pub struct Counted<O> {
    objective: O,
    evaluations: Evaluations,
}

impl<O> Counted<O> {
    /// Wraps an objective, with all counts at zero.
    pub fn new(objective: O) -> Self {
        Self {
            objective,
            evaluations: Evaluations::default(),
        }
    }

    /// The evaluations so far.
    pub fn evaluations(&self) -> Evaluations {
        self.evaluations
    }

    /// The wrapped objective. Its evaluations are not counted.
    pub fn inner_mut(&mut self) -> &mut O {
        &mut self.objective
    }
}

impl<O: Objective> Objective for Counted<O> {
    fn dimension(&self) -> usize {
        self.objective.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        self.evaluations.losses += 1;
        self.objective.loss(point)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        self.evaluations.gradients += 1;
        self.objective.loss_and_gradient(point)
    }
}

impl<O: Curvature> Curvature for Counted<O> {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.evaluations.products += 1;
        self.objective.hvp(point, direction)
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        let count = &mut self.evaluations.products;
        let mut products = self.objective.products_at(point);
        Box::new(move |direction| {
            *count += 1;
            products(direction)
        })
    }

    fn curvature_along(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> f64 {
        self.evaluations.curvatures += 1;
        self.objective.curvature_along(point, direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `½‖w‖²`, by name only.
    struct Bowl;

    impl Objective for Bowl {
        fn dimension(&self) -> usize {
            1
        }

        fn loss(&mut self, _: &Tensor<1>) -> f64 {
            0.5
        }

        fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
            (0.5, point.clone())
        }
    }

    impl Curvature for Bowl {
        fn hvp(&mut self, _: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
            direction.clone()
        }
    }

    #[test]
    fn every_call_is_counted_as_what_it_is() {
        let mut counted = Counted::new(Bowl);
        let point = Tensor::ones([1], &burn::tensor::Device::flex());
        counted.loss(&point);
        counted.loss(&point);
        counted.loss_and_gradient(&point);
        for _ in 0..3 {
            counted.hvp(&point, &point);
        }
        let mut products = counted.products_at(&point);
        products(&point);
        products(&point);
        drop(products);
        for _ in 0..4 {
            assert_eq!(counted.curvature_along(&point, &(point.clone() * 3.0)), 9.0);
        }
        counted.inner_mut().loss(&point);
        let evaluations = counted.evaluations();
        let expected = Evaluations {
            losses: 2,
            gradients: 1,
            products: 5,
            curvatures: 4,
        };
        assert_eq!(evaluations, expected);
        assert_eq!(evaluations.functions(), 3);
        assert_eq!(counted.dimension(), 1);
    }
}
