//! The file `spectrum.json`: what `experiments spectrum` measured of a saved point.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use flatland_config::{FloatType, sharpness_floor};
use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use serde::{Deserialize, Serialize};

use crate::disk::{read_file, write_whole};

/// The measurements of a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumRecord {
    /// The point.
    pub about: SpectrumPoint,
    /// The training loss `f`.
    #[serde(default, deserialize_with = "number::one")]
    pub loss: f64,
    /// `‖∇f‖`
    #[serde(default, deserialize_with = "number::one")]
    pub gradient_norm: f64,
    /// The gradient's norm at each parameter, in the order of the network.
    pub gradient_norms: Vec<ParameterNorm>,
    /// The share of the gradient's entries that are exactly zero.
    #[serde(default, deserialize_with = "number::one")]
    pub zero_gradient_share: f64,
    /// The share of dead activations in each layer.
    #[serde(default, deserialize_with = "number::list")]
    pub dead_activation_shares: Vec<f64>,
    /// The Hessian's trace.
    #[serde(default)]
    pub trace: TraceRecord,
    /// The eigenvalues of largest magnitude, the largest magnitude first.
    pub eigenvalues: Vec<f64>,
    /// Their residuals.
    #[serde(default, deserialize_with = "number::list")]
    pub residuals: Vec<f64>,
    /// Whether all of them converged.
    #[serde(default)]
    pub converged: bool,
    /// The most negative eigenvalues, the smallest first.
    #[serde(default, deserialize_with = "number::list")]
    pub smallest_eigenvalues: Vec<f64>,
    /// Their residuals.
    #[serde(default, deserialize_with = "number::list")]
    pub smallest_residuals: Vec<f64>,
    /// How well the eigenvalues after the first `K` cancel in pairs `±λ`.
    #[serde(default)]
    pub pairing: Option<f64>,
    /// The smoothness along the negative gradient.
    #[serde(default)]
    pub segment: Vec<SegmentRecord>,
    /// The spectral density.
    pub density: DensityRecord,
}

/// The point that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpectrumPoint {
    /// The file with the weights.
    #[serde(default)]
    pub weights: String,
    /// The data set's name.
    pub dataset: String,
    /// The network with its options, as in a grid.
    pub network: toml::Table,
    /// The training loss.
    pub loss_function: String,
    /// The seed of the samples and of everything random in the measurements.
    #[serde(default)]
    pub seed: u64,
    /// Training samples.
    pub samples: u64,
    /// Samples that went through the network together.
    #[serde(default)]
    pub chunk: u64,
    /// The float type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<FloatType>,
    /// The device that computed.
    #[serde(default)]
    pub device: String,
    /// The number of parameters, and so of all eigenvalues.
    pub parameters: u64,
}

impl SpectrumPoint {
    /// `2/K`, if the sharpness has that floor: see [`sharpness_floor`]. `None` for a network or a data set that this
    /// program does not know.
    pub fn floor(&self) -> Option<f64> {
        let network: Architecture = self.network.clone().try_into().ok()?;
        let dataset: Dataset = self.dataset.parse().ok()?;
        let loss: Loss = self.loss_function.parse().ok()?;
        sharpness_floor(loss, &network, dataset.classes())
    }
}

/// The norm of the gradient at one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterNorm {
    /// The parameter, under PyTorch's name.
    pub parameter: String,
    /// The norm.
    #[serde(deserialize_with = "number::one")]
    pub norm: f64,
}

/// An estimate of the Hessian's trace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// The estimate.
    #[serde(deserialize_with = "number::one")]
    pub value: f64,
    /// Its standard error.
    #[serde(deserialize_with = "number::one")]
    pub standard_error: f64,
    /// Random vectors that it took.
    pub probes: u64,
    /// Whether it converged.
    pub converged: bool,
}

/// The smoothness at one point `w_t = w − t·∇f(w)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// `t`
    #[serde(deserialize_with = "number::one")]
    pub t: f64,
    /// `‖∇f(w_t) − g‖ / (t‖g‖)`
    #[serde(deserialize_with = "number::one")]
    pub gradient_change: f64,
    /// `gᵀH(w_t)g / ‖g‖²`
    #[serde(deserialize_with = "number::one")]
    pub curvature: f64,
    /// `‖H(w_t)g‖ / ‖g‖`
    #[serde(deserialize_with = "number::one")]
    pub hessian_norm: f64,
    /// `λ₁(H(w_t))`
    #[serde(deserialize_with = "number::one")]
    pub sharpness: f64,
}

/// A spectral density: as point masses, and smoothed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DensityRecord {
    /// The Ritz values of every probe.
    #[serde(default, deserialize_with = "number::list")]
    pub nodes: Vec<f64>,
    /// The share of the spectrum that each of them stands for.
    #[serde(default, deserialize_with = "number::list")]
    pub weights: Vec<f64>,
    /// The points of the smoothed density.
    pub points: Vec<f64>,
    /// The smoothed density there.
    pub densities: Vec<f64>,
    /// The standard deviation of its Gaussians.
    pub standard_deviation: f64,
}

impl SpectrumRecord {
    /// Reads a file. Anybody may have written it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no spectrum.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_file(path).context("cannot be read")?;
        let record: Self = serde_json::from_slice(&text).context("holds no spectrum")?;
        let DensityRecord {
            points, densities, ..
        } = &record.density;
        ensure!(
            !points.is_empty() && points.len() == densities.len(),
            "{} points with {} densities: expected as many of both",
            points.len(),
            densities.len()
        );
        Ok(record)
    }

    /// Replaces a file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, serde_json::to_string_pretty(self)?.as_bytes())
    }
}

/// JSON has no NaN and no infinity; they are written as `null` and read as NaN.
mod number {
    use serde::{Deserialize, Deserializer};

    pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.unwrap_or(f64::NAN))
    }

    pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let values: Vec<Option<f64>> = Vec::deserialize(deserializer)?;
        let values = values.into_iter();
        Ok(values.map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SpectrumRecord {
        SpectrumRecord {
            about: SpectrumPoint {
                weights: "weights.pt".to_owned(),
                dataset: "svhn".to_owned(),
                network: "name = \"mlp\"".parse().unwrap(),
                loss_function: "mse".to_owned(),
                seed: 1,
                samples: 10,
                chunk: 5,
                dtype: Some(FloatType::F32),
                device: "flex (CPU)".to_owned(),
                parameters: 100,
            },
            loss: 0.5,
            gradient_norm: 1.0,
            gradient_norms: vec![ParameterNorm {
                parameter: "0.weight".to_owned(),
                norm: 1.0,
            }],
            zero_gradient_share: 0.0,
            dead_activation_shares: vec![0.25],
            trace: TraceRecord {
                value: 2.0,
                standard_error: 0.5,
                probes: 7,
                converged: true,
            },
            eigenvalues: vec![3.0, -1.0],
            residuals: vec![1e-4, 1e-5],
            converged: true,
            smallest_eigenvalues: vec![-1.0],
            smallest_residuals: vec![1e-5],
            pairing: None,
            segment: vec![SegmentRecord {
                t: 0.1,
                gradient_change: 1.0,
                curvature: 1.0,
                hessian_norm: 1.0,
                sharpness: 3.0,
            }],
            density: DensityRecord {
                nodes: vec![1.0],
                weights: vec![1.0],
                points: vec![0.0, 1.0],
                densities: vec![0.5, 0.5],
                standard_deviation: 0.1,
            },
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_nan_stays_nan() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(crate::files::SPECTRUM);
        let mut written = record();
        written.write(&path).unwrap();
        assert_eq!(SpectrumRecord::read(&path).unwrap(), written);
        written.residuals[1] = f64::NAN;
        written.trace.standard_error = f64::INFINITY;
        written.write(&path).unwrap();
        let read = SpectrumRecord::read(&path).unwrap();
        assert!(read.residuals[1].is_nan() && read.trace.standard_error.is_nan());
        written.density.points.clear();
        written.write(&path).unwrap();
        let error = SpectrumRecord::read(&path).unwrap_err().to_string();
        assert!(error.contains("0 points with 2 densities"), "{error}");
    }

    /// Without a last bias the Hessian has no block `(2/K)·I`, and there is no floor.
    #[test]
    fn only_a_network_with_a_last_bias_has_a_floor() {
        let floor = |network: &str, loss: &str, dataset: &str| {
            let mut point = record().about;
            point.network = network.parse().unwrap();
            point.loss_function = loss.to_owned();
            point.dataset = dataset.to_owned();
            point.floor()
        };
        let mlp = "name = \"mlp\"";
        assert_eq!(floor(mlp, "mse", "svhn"), Some(0.2));
        assert_eq!(floor("name = \"mlp\"\nbias = false", "mse", "svhn"), None);
        assert_eq!(
            floor("name = \"vgg11\"\nlast_bias = false", "mse", "svhn"),
            None
        );
        assert_eq!(floor(mlp, "cross-entropy", "svhn"), None);
        assert_eq!(floor("name = \"foreign\"", "mse", "svhn"), None);
        assert_eq!(floor(mlp, "mse", "foreign"), None);
    }
}
