//! The smoothness of an objective along a step.

use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, vector};

use crate::{Error, Hessian, LanczosConfig, Sharpness, SymmetricOperator, sharpness};

/// The paper's step sizes. The size of the step itself is added to them.
pub const SEGMENT_STEP_SIZES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// The measurements at one point `w_t = w − t·g` of the line along the gradient `g = ∇f(w)`.
///
/// They are `NaN` or infinite if the gradient or the Hessian at `w_t` is not finite. If the gradient is zero, the
/// gradient change, the curvature and the Hessian norm are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentPoint {
    /// `t`
    pub step_size: f64,
    /// `‖∇f(w) − ∇f(w_t)‖ / (t‖g‖)`
    pub gradient_change: f64,
    /// `gᵀH(w_t)g / ‖g‖²`
    pub curvature: f64,
    /// `‖H(w_t)g‖ / ‖g‖`
    pub hessian_norm: f64,
    /// `λ₁(H(w_t))`
    pub sharpness: f64,
    /// The number of Hessian-vector products.
    pub products: usize,
}

/// Measures the smoothness along the step from `point`, at each of the `step_sizes`.
///
/// It evaluates the gradient at `point` once and, for each step size, one gradient, one Hessian-vector product, and the
/// products for the sharpness, which starts from the eigenvector at the previous step size.
///
/// # Errors
///
/// Returns an error if a step size is not positive and finite, or if an option of `config` is outside its range.
///
/// # Panics
///
/// Panics if the objective does.
///
/// # References
///
/// - L. Galli et al. (2026). Flatland: The adventures of gradient descent with large step sizes. *ICML*.
///   arXiv:2606.06722. (Figure 4.)
pub fn segment_smoothness<O: Curvature + ?Sized>(
    objective: &mut O,
    point: &Tensor<1>,
    step_sizes: &[f64],
    config: &LanczosConfig,
) -> Result<Vec<SegmentPoint>, Error> {
    let line = Line::new(objective, point, step_sizes)?;
    let mut previous: Option<Sharpness> = None;
    let mut measured = Vec::with_capacity(step_sizes.len());
    for &step_size in step_sizes {
        let (moved, gradient_change) = line.gradient_change(objective, step_size);
        let (gradient, norm) = (&line.gradient, line.norm);
        let mut hessian = Hessian::new(objective, &moved);
        let image = hessian.apply(gradient);
        let found = match sharpness(&mut hessian, config, previous.take()) {
            Ok(found) => Some(found),
            Err(Error::NonFiniteProduct { .. }) => None,
            Err(error) => return Err(error),
        };
        measured.push(SegmentPoint {
            step_size,
            gradient_change,
            curvature: ratio(vector::dot(gradient, &image), norm * norm),
            hessian_norm: ratio(vector::norm(&image), norm),
            sharpness: found.as_ref().map_or(f64::NAN, |found| found.lambda_max),
            products: 1 + found.as_ref().map_or(0, |found| found.products),
        });
        previous = found;
    }
    Ok(measured)
}

/// The gradient change `‖∇f(w) − ∇f(w_t)‖ / (t‖g‖)` of [`SegmentPoint`] at each of the step sizes `t` from `point`. It
/// determines the segment smoothness, and takes one gradient at `point` and one for each step size.
///
/// # Errors
///
/// Returns an error if a step size is not positive and finite.
///
/// # Panics
///
/// Panics if the objective does.
pub fn gradient_changes<O: Objective + ?Sized>(
    objective: &mut O,
    point: &Tensor<1>,
    step_sizes: &[f64],
) -> Result<Vec<f64>, Error> {
    let line = Line::new(objective, point, step_sizes)?;
    let changes =
        (step_sizes.iter()).map(|&step_size| line.gradient_change(objective, step_size).1);
    Ok(changes.collect())
}

/// The line from a point along its negative gradient.
struct Line<'a> {
    point: &'a Tensor<1>,
    gradient: Tensor<1>,
    norm: f64,
}

impl<'a> Line<'a> {
    /// Checks the step sizes and evaluates the gradient at `point`.
    fn new<O: Objective + ?Sized>(
        objective: &mut O,
        point: &'a Tensor<1>,
        step_sizes: &[f64],
    ) -> Result<Self, Error> {
        for &step_size in step_sizes {
            crate::error::require(
                step_size > 0.0 && step_size.is_finite(),
                "a step size",
                step_size,
                "positive and finite",
            )?;
        }
        let (_, gradient) = objective.loss_and_gradient(point);
        let norm = vector::norm(&gradient);
        Ok(Self {
            point,
            gradient,
            norm,
        })
    }

    /// `w_t` and the gradient change.
    fn gradient_change<O: Objective + ?Sized>(
        &self,
        objective: &mut O,
        step_size: f64,
    ) -> (Tensor<1>, f64) {
        let moved = vector::axpy(-step_size, &self.gradient, self.point);
        let (_, turned) = objective.loss_and_gradient(&moved);
        let change = vector::norm(&(turned - self.gradient.clone()));
        (moved, ratio(change, step_size * self.norm))
    }
}

/// `length / unit`, with `0/0 = 0`.
fn ratio(length: f64, unit: f64) -> f64 {
    if length == 0.0 && unit == 0.0 {
        0.0
    } else {
        length / unit
    }
}

/// A lower bound of the segment smoothness `l(w, η) = sup_{0 < t ≤ η} ‖∇f(w_t) − ∇f(w)‖ / (t‖g‖)`: the largest measured
/// gradient change at a step size up to `step_size`. `None` if there is no such measurement.
pub fn smoothness_up_to(measured: &[SegmentPoint], step_size: f64) -> Option<f64> {
    let within = measured.iter().filter(|at| at.step_size <= step_size);
    within.map(|at| at.gradient_change).reduce(f64::max)
}

/// The two conditions for a large step, the paper's Definition 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeStep {
    /// (i) `η_k ≥ 1/l(w_k, η_k)`
    pub is_long: bool,
    /// (ii) The smallest `p ≤ P` with `η_{k+p} > 2/l(w_{k+p}, η_{k+p})`. `None` if there is none.
    pub edge_crossed_after: Option<usize>,
}

impl LargeStep {
    /// Whether both conditions hold.
    pub fn holds(self) -> bool {
        self.is_long && self.edge_crossed_after.is_some()
    }
}

/// Evaluates Definition 2.3 for step `k`, from the step size and the segment smoothness `(η, l)` of the steps
/// `k, k + 1, …, k + P`.
///
/// If `l` was [measured](smoothness_up_to), it is a lower bound. Then a condition that is found to hold does hold, and
/// a condition that is not found may hold between the measured step sizes. No condition holds for `NaN`.
///
/// # Panics
///
/// Panics if there are no steps.
pub fn large_step(steps: &[(f64, f64)]) -> LargeStep {
    let (step_size, smoothness) = steps[0];
    LargeStep {
        is_long: step_size * smoothness >= 1.0,
        edge_crossed_after: (steps.iter())
            .position(|(step_size, smoothness)| step_size * smoothness > 2.0),
    }
}
