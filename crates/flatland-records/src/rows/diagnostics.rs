//! The rows of `diagnostics.csv` and `gradient_norms.csv`, and of `segment.csv`, `smoothness.csv` and
//! `large_steps.csv`.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A row of `diagnostics.csv`: what the early-phase figures of the paper show of `w_k`, before step `k`.
///
/// In the file, the eigenvalues have a column each: `eigenvalue_1`, `eigenvalue_2` and so on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticsRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// Hutchinson's estimate of the Hessian's trace.
    pub trace: f64,
    /// The standard error of the trace.
    pub trace_standard_error: f64,
    /// Random vectors that the estimate took.
    pub trace_probes: usize,
    /// The eigenvalues of largest magnitude, with their signs, the largest magnitude leading.
    #[serde(skip_deserializing)]
    pub eigenvalues: Vec<f64>,
    /// The largest residual among them.
    pub eigenvalue_residual: f64,
    /// The mean of the gradient's norms, one for each parameter tensor except the last bias.
    pub gradient_norm_mean: Option<f64>,
    /// The least of these norms.
    pub gradient_norm_min: Option<f64>,
    /// The largest of these norms.
    pub gradient_norm_max: Option<f64>,
    /// The norm of the gradient at the last bias, if there is one.
    pub gradient_norm_last_bias: Option<f64>,
    /// The share of the gradient's entries that are exactly zero.
    pub zero_gradient_share: f64,
    /// The largest share, over the activation layers, of outputs `a` with `|a| < 1e-6`.
    pub dead_activation_share: Option<f64>,
    /// How well the eigenvalues after the first `K` cancel in pairs `±λ`, from 0 to 1. `None` if there are no more than
    /// `K`.
    pub pairing: Option<f64>,
    /// Hessian-vector products of the row.
    pub hessian_products: usize,
    /// Seconds that the row took.
    pub seconds: f64,
}

impl DiagnosticsRow {
    /// The names of the columns for this number of eigenvalues.
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

    /// Reads the rows of a file. There are none if there is no such file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a row has other columns.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let rows = || -> Result<Vec<Self>> {
            let mut reader =
                csv::Reader::from_reader(Cursor::new(crate::row_reader::whole_rows(path)?));
            let header = reader.headers()?.clone();
            let is_eigenvalue = |name: &str| {
                (name.strip_prefix("eigenvalue_")).is_some_and(|rank| rank.parse::<usize>().is_ok())
            };
            let mut rows = Vec::new();
            for record in reader.records() {
                let record = record?;
                let mut row: Self = record.deserialize(Some(&header))?;
                let eigenvalues = header.iter().zip(&record);
                row.eigenvalues = eigenvalues
                    .filter(|(name, _)| is_eigenvalue(name))
                    .map(|(_, value)| value.parse())
                    .collect::<Result<_, _>>()?;
                rows.push(row);
            }
            Ok(rows)
        };
        rows().with_context(|| format!("{} does not hold the rows expected", path.display()))
    }
}

/// A row of `gradient_norms.csv`: the gradient at one parameter tensor of `w_k`, before step `k`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientNormRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// The parameter, under PyTorch's name; those of an iteration come in the order of the network.
    pub parameter: String,
    /// The Euclidean norm of the gradient's part.
    pub norm: f64,
}

/// A row of `segment.csv`: the smoothness at one point `w_t = w_k − t·g` along step `k`, `g` being the gradient at
/// `w_k`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `η_k`. 0 if no step was taken.
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

/// A row of `smoothness.csv`: the smoothness of the objective along step `k`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmoothnessRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `η_k`
    pub step_size: f64,
    /// The segment smoothness `l(w_k, η_k)` as far as it was measured: the largest `‖∇f(w_t) − g‖ / (t‖g‖)` at
    /// `t = η_k` and the paper's step sizes below it. The true one, over all `0 < t ≤ η_k`, may be larger.
    pub smoothness: f64,
}

/// A row of `large_steps.csv`: whether step `k` is large in the sense of the paper's Definition 2.3: (i)
/// `η_k ≥ 1/l(w_k, η_k)`, and (ii) for some `p ≤ P`, `η_{k+p} > 2/l(w_{k+p}, η_{k+p})`.
///
/// `l` is measured along the step taken, and from below, as in [`SmoothnessRow`]: what is found to hold does hold, and
/// holds for `l` along any longer segment too, with which `l` grows. What is not found to hold may have been missed. Of
/// SAM, whose steps do not follow the gradient at `w_k`, it judges the gradient step of the same size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LargeStepRow {
    /// `k`, from 0.
    pub iteration: u64,
    /// `η_k`
    pub step_size: f64,
    /// `l(w_k, η_k)`
    pub smoothness: f64,
    /// `1/l(w_k, η_k)`
    pub inverse_smoothness: f64,
    /// `2/l(w_k, η_k)`
    pub edge: f64,
    /// (i)
    pub is_long: bool,
    /// (ii): the least such `p`, if there is one among the steps that were measured.
    pub crossed_after: Option<u64>,
    /// How many steps after `k` were measured: up to the first that crosses `2/l`, at most `P`, and fewer if the run
    /// ended before.
    pub followed: u64,
    /// (i) and (ii). `None` if the run ended before (ii) was decided.
    pub is_large: Option<bool>,
}
