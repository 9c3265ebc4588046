//! What the page's pictures of the early phase are drawn from.

use std::collections::HashMap;

use flatland_records::{DiagnosticsRow, GradientNormRow, RunRecords};
use serde::Serialize;

use super::thin::{Short, short};

/// Iterations of a run that have their eigenvalues shown, evenly chosen of more.
const COLUMNS: usize = 200;
/// Norms at parameters that a run has shown, of iterations evenly chosen of more.
const NORMS: usize = 20_000;

/// The diagnostics of one run. Lists have an entry for each iteration in `x`.
#[derive(Serialize)]
pub struct Early {
    pub problem: String,
    pub method: String,
    pub title: String,
    pub floor: Option<Short>,
    pub x: Vec<Short>,
    pub trace: Vec<Short>,
    pub trace_low: Vec<Short>,
    pub trace_high: Vec<Short>,
    /// For each rank by magnitude, an eigenvalue for each iteration.
    pub eigenvalues: Vec<Vec<Short>>,
    pub norm_mean: Vec<Short>,
    pub norm_min: Vec<Short>,
    pub norm_max: Vec<Short>,
    pub norm_last_bias: Vec<Short>,
    /// The norm of the gradient at each parameter, in the order of the network.
    pub parameters: Vec<Parameter>,
    /// The iterations of these norms.
    pub parameters_x: Vec<Short>,
    pub zero_gradient: Vec<Short>,
    pub dead_activations: Vec<Short>,
    pub pairing: Vec<Short>,
}

/// The gradient at one parameter.
#[derive(Serialize)]
pub struct Parameter {
    pub name: String,
    /// An entry for each iteration.
    pub norms: Vec<Short>,
}

impl Early {
    /// What the diagnostics of a run have to show.
    pub fn new(problem: String, method: &str, title: String, run: &RunRecords) -> Self {
        let all = &run.diagnostics;
        let stride = all.len().div_ceil(COLUMNS).max(1);
        let rows: Vec<&DiagnosticsRow> = all.iter().step_by(stride).collect();
        let list = |value: fn(&DiagnosticsRow) -> Option<f64>| -> Vec<Short> {
            short(rows.iter().map(|row| value(row).unwrap_or(f64::NAN)))
        };
        let ranks = rows
            .iter()
            .map(|row| row.eigenvalues.len())
            .max()
            .unwrap_or(0);
        let rank = |rank: usize| {
            let value =
                |row: &&DiagnosticsRow| row.eigenvalues.get(rank).copied().unwrap_or(f64::NAN);
            short(rows.iter().map(value))
        };
        let (parameters_x, parameters) = parameters(&run.gradient_norms);
        Self {
            problem,
            method: method.to_owned(),
            title,
            floor: run.config.floor().map(Short),
            x: list(|row| Some(row.iteration as f64)),
            trace: list(|row| Some(row.trace)),
            trace_low: list(|row| Some(row.trace - row.trace_standard_error)),
            trace_high: list(|row| Some(row.trace + row.trace_standard_error)),
            eigenvalues: (0..ranks).map(rank).collect(),
            norm_mean: list(|row| row.gradient_norm_mean),
            norm_min: list(|row| row.gradient_norm_min),
            norm_max: list(|row| row.gradient_norm_max),
            norm_last_bias: list(|row| row.gradient_norm_last_bias),
            parameters,
            parameters_x,
            zero_gradient: list(|row| Some(row.zero_gradient_share)),
            dead_activations: list(|row| row.dead_activation_share),
            pairing: list(|row| row.pairing),
        }
    }
}

/// The norms of the gradient at each parameter, and their iterations. Parameters are told by their names; one that an
/// iteration lacks has no finite norm there.
fn parameters(norms: &[GradientNormRow]) -> (Vec<Short>, Vec<Parameter>) {
    let mut all: Vec<&[GradientNormRow]> =
        norms.chunk_by(|a, b| a.iteration == b.iteration).collect();
    let most = all.iter().map(|rows| rows.len()).max();
    // The last measurement of a run under way may not be whole.
    all.pop_if(|last| Some(last.len()) < most);
    let stride = norms.len().div_ceil(NORMS).max(1);
    let shown: Vec<&[GradientNormRow]> = all.into_iter().step_by(stride).collect();
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (column, rows) in shown.iter().enumerate() {
        for row in *rows {
            let place = *places.entry(&row.parameter).or_insert_with(|| {
                parameters.push(Parameter {
                    name: row.parameter.clone(),
                    norms: vec![Short(f64::NAN); shown.len()],
                });
                parameters.len() - 1
            });
            parameters[place].norms[column] = Short(row.norm);
        }
    }
    let iterations = shown.iter().map(|rows| rows[0].iteration as f64);
    (short(iterations), parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_belong_to_names_whatever_their_order() {
        let row = |iteration, parameter: &str, norm| GradientNormRow {
            iteration,
            parameter: parameter.to_owned(),
            norm,
        };
        let rows = [
            row(0, "weight", 1.0),
            row(0, "bias", 2.0),
            row(5, "bias", 4.0),
            row(5, "weight", 3.0),
            row(10, "bias", f64::INFINITY),
            row(10, "scale", 5.0),
            // A run under way has not written the rest.
            row(15, "weight", 6.0),
        ];
        let (x, parameters) = parameters(&rows);
        let values = |norms: &[Short]| Vec::from_iter(norms.iter().map(|norm| norm.0));
        assert_eq!(values(&x), [0.0, 5.0, 10.0]);
        let shown = Vec::from_iter(parameters.iter().map(|of| (&*of.name, values(&of.norms))));
        assert_eq!(shown[0].0, "weight");
        assert_eq!(shown[0].1[..2], [1.0, 3.0]);
        assert!(shown[0].1[2].is_nan());
        assert_eq!(shown[1], ("bias", vec![2.0, 4.0, f64::INFINITY]));
        assert_eq!((shown[2].0, shown[2].1[2]), ("scale", 5.0));
        assert!(shown[2].1[0].is_nan());
        assert_eq!(shown.len(), 3);
    }
}
