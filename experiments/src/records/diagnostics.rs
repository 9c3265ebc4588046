//! The rows of `diagnostics.csv` and `segment.csv`.

use serde::Serialize;

/// What the early-phase figures of the paper show of `w_k`, before step `k`.
///
/// In the file, the eigenvalues have a column each: `eigenvalue_1`, `eigenvalue_2` and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagnosticsRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// Hutchinson's estimate of the Hessian's trace.
    pub trace: f64,
    /// The standard error of that.
    pub trace_standard_error: f64,
    /// Random vectors that the estimate took.
    pub trace_probes: usize,
    /// The eigenvalues of largest magnitude, with their signs, the largest magnitude leading.
    pub eigenvalues: Vec<f64>,
    /// The largest residual among them.
    pub eigenvalue_residual: f64,
    /// The norms of the gradient's parts, one for each parameter tensor but the last bias: their mean.
    pub gradient_norm_mean: Option<f64>,
    /// The least of these norms.
    pub gradient_norm_min: Option<f64>,
    /// The largest of these norms.
    pub gradient_norm_max: Option<f64>,
    /// The norm of the gradient at the last bias, where there is one.
    pub gradient_norm_last_bias: Option<f64>,
    /// The share of the gradient's entries that are exactly zero.
    pub zero_gradient_share: f64,
    /// The largest share, over the activation layers, of outputs `a` with `|a| < 1e-6`.
    pub dead_activation_share: Option<f64>,
    /// How well the eigenvalues after the first `K` cancel in pairs `±λ`, from 0 to 1; nothing if there are no more.
    pub pairing: Option<f64>,
    /// Hessian-vector products that the row took.
    pub hessian_products: usize,
    /// Time that the row took.
    pub seconds: f64,
}

impl DiagnosticsRow {
    /// The names of the columns, with so many eigenvalues.
    pub fn header(eigenvalues: usize) -> Vec<String> {
        let before = ["iteration", "trace", "trace_standard_error", "trace_probes"];
        let after = [
            "eigenvalue_residual",
            "gradient_norm_mean",
            "gradient_norm_min",
            "gradient_norm_max",
            "gradient_norm_last_bias",
            "zero_gradient_share",
            "dead_activation_share",
            "pairing",
            "hessian_products",
            "seconds",
        ];
        let eigenvalues = (1..=eigenvalues).map(|rank| format!("eigenvalue_{rank}"));
        let before = before.into_iter().map(str::to_owned);
        before
            .chain(eigenvalues)
            .chain(after.map(str::to_owned))
            .collect()
    }
}

/// The smoothness at one point `w_t = w_k − t·g` along step `k`, `g` being the gradient at `w_k`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `η_k`, 0 where no step was taken.
    pub step_size: f64,
    /// `t`; one of these is `η_k`.
    pub t: f64,
    /// `‖∇f(w_t) − g‖ / (t‖g‖)`
    pub gradient_change: f64,
    /// `gᵀH(w_t)g / ‖g‖²`
    pub curvature: f64,
    /// `‖H(w_t)g‖ / ‖g‖`
    pub hessian_norm: f64,
    /// `λ₁(H(w_t))`
    pub sharpness: f64,
}
