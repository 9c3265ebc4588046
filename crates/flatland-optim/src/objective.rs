//! What a method sees of the problem: values, gradients, Hessian products, and how often each was asked for.

use burn::tensor::Tensor;

use crate::vector::dot;

/// A function of a parameter vector, as a step-size rule sees it.
///
/// Every point, gradient and direction is a rank-1 tensor of length [`dimension`](Objective::dimension) on a plain
/// (not autodiff) device. Scalars that steer an algorithm come back as `f64` whatever the float type of the tensors.
///
/// A value that overflows is returned as it is (`NaN` or infinite): deciding what that means is the method's business.
///
/// # Panics
///
/// Implementations may panic where the backend does (out of memory, a lost GPU, a point of the wrong length).
pub trait Objective {
    /// Number of parameters.
    fn dimension(&self) -> usize;

    /// `f(point)`, without leaving anything behind: no tape, no running statistics, no copy of the parameters.
    fn loss(&mut self, point: &Tensor<1>) -> f64;

    /// `f(point)` and `∇f(point)`.
    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>);
}

/// Multiplies directions by the Hessian at one point.
pub type Products<'a> = Box<dyn FnMut(&Tensor<1>) -> Tensor<1> + 'a>;

/// An objective that also knows its second derivative along a direction.
pub trait Curvature: Objective {
    /// The Hessian-vector product `∇²f(point) · direction`.
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1>;

    /// The products with the Hessian at one point, for many directions. An implementation may keep what they have in
    /// common; unless it does, each is an [`hvp`](Self::hvp).
    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        Box::new(move |direction| self.hvp(point, direction))
    }

    /// The curvature `directionᵀ · ∇²f(point) · direction`. Unless an implementation has a cheaper way to it, this takes
    /// one [`hvp`](Self::hvp).
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

/// How often each part of an [`Objective`] was evaluated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// Losses without a gradient.
    pub losses: u64,
    /// Gradients (each comes with the loss at its point).
    pub gradients: u64,
    /// Hessian-vector products.
    pub products: u64,
    /// Curvatures along a direction; an objective may spend a Hessian-vector product on each.
    pub curvatures: u64,
}

impl Evaluations {
    /// Function evaluations as the paper counts them: every loss, with or without its gradient.
    pub fn functions(&self) -> u64 {
        self.losses + self.gradients
    }
}

/// Counts every call to the objective inside it, so that no method has to.
#[derive(Debug, Clone)]
pub struct Counted<O> {
    objective: O,
    evaluations: Evaluations,
}

impl<O> Counted<O> {
    /// Starts counting at zero.
    pub fn new(objective: O) -> Self {
        Self {
            objective,
            evaluations: Evaluations::default(),
        }
    }

    /// The calls so far.
    pub fn evaluations(&self) -> Evaluations {
        self.evaluations
    }

    /// The objective inside; what is asked of it directly is not counted.
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
        let made = &mut self.evaluations.products;
        let mut products = self.objective.products_at(point);
        Box::new(move |direction| {
            *made += 1;
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
