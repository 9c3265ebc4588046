//! How smooth an objective is along a step.

use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, vector};

use crate::{Error, Hessian, LanczosConfig, Sharpness, SymmetricOperator, sharpness};

/// The step sizes at which the paper measures; the step taken joins them.
pub const SEGMENT_STEP_SIZES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// What is measured at one point `w_t = w − t·g` of the line along the gradient `g = ∇f(w)`.
///
/// A number is `NaN` or infinite where the gradient or the Hessian at `w_t` is not finite. On a line of length zero, the
/// first three are 0.
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
    /// Hessian-vector products taken.
    pub products: usize,
}

/// Measures the smoothness along the step from `point`, at each of the `step_sizes`.
///
/// The gradient at `point` is evaluated first, and once; then follow, for each step size, one gradient, one Hessian
/// product, and those that the sharpness takes, which starts from the eigenvector found at the step size before.
///
/// # Errors
///
/// If a step size is not positive and finite, or an option of `config` is not usable.
///
/// # Panics
///
/// Where the objective panics.
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

/// The gradient change `‖∇f(w) − ∇f(w_t)‖ / (t‖g‖)` at each of the step sizes `t` from `point`, as in [`SegmentPoint`]: all
/// that the segment smoothness takes, for one gradient at `point` and one for each step size.
///
/// # Errors
///
/// If a step size is not positive and finite.
///
/// # Panics
///
/// Where the objective panics.
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
    /// Evaluates the gradient at `point`, once the step sizes to go from there are found to be usable.
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

    /// `w_t`, and how much the gradient changes up to there.
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

/// `length / unit`, where 0/0 is 0.
fn ratio(length: f64, unit: f64) -> f64 {
    if length == 0.0 && unit == 0.0 {
        0.0
    } else {
        length / unit
    }
}

/// The segment smoothness `l(w, η) = sup_{0 < t ≤ η} ‖∇f(w_t) − ∇f(w)‖ / (t‖g‖)` as far as it was measured: the largest
/// gradient change at the step sizes up to `step_size`; nothing if none is that short.
///
/// It bounds the supremum from below.
pub fn smoothness_up_to(measured: &[SegmentPoint], step_size: f64) -> Option<f64> {
    let within = measured.iter().filter(|at| at.step_size <= step_size);
    within.map(|at| at.gradient_change).reduce(f64::max)
}

/// Whether a step is large, in the sense of the paper's Definition 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeStep {
    /// (i) `η_k ≥ 1/l(w_k, η_k)`
    pub is_long: bool,
    /// (ii) The least `p` with `η_{k+p} > 2/l(w_{k+p}, η_{k+p})`, if there is one up to the bound `P`.
    pub edge_crossed_after: Option<usize>,
}

impl LargeStep {
    /// Whether both parts of the definition hold.
    pub fn holds(self) -> bool {
        self.is_long && self.edge_crossed_after.is_some()
    }
}

/// Judges step `k` by Definition 2.3, from the step size and the segment smoothness `(η, l)` of the steps `k, k + 1, …,
/// k + P`, in that order.
///
/// With an `l` that was [measured](smoothness_up_to), and so bounds the true one from below, what is found to hold does
/// hold; what is not found may have been missed between the step sizes measured at. A `NaN` holds nothing.
///
/// # Panics
///
/// If there are no steps.
pub fn large_step(steps: &[(f64, f64)]) -> LargeStep {
    let (step_size, smoothness) = steps[0];
    LargeStep {
        is_long: step_size * smoothness >= 1.0,
        edge_crossed_after: (steps.iter())
            .position(|(step_size, smoothness)| step_size * smoothness > 2.0),
    }
}
