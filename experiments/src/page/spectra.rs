//! The spectra that `experiments spectrum` left in a folder.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::place;
use crate::finished;

/// The file that `experiments spectrum` writes.
pub const SPECTRUM: &str = "spectrum.json";

/// The part of `spectrum.json` that is shown.
#[derive(Debug, Deserialize)]
pub struct Spectrum {
    /// The file, as seen from the results folder.
    #[serde(skip)]
    pub file: String,
    pub about: About,
    pub eigenvalues: Vec<f64>,
    pub gradient_norms: Vec<GradientNorm>,
    pub density: Density,
}

/// The point that was measured.
#[derive(Debug, Deserialize)]
pub struct About {
    pub dataset: String,
    pub network: toml::Table,
    pub loss_function: String,
    pub samples: u64,
    /// How many eigenvalues there are in all.
    pub parameters: u64,
}

/// The norm of the gradient at one parameter.
#[derive(Debug, Deserialize)]
pub struct GradientNorm {
    pub parameter: String,
    pub norm: f64,
}

/// The smoothed density.
#[derive(Debug, Deserialize)]
pub struct Density {
    pub points: Vec<f64>,
    pub densities: Vec<f64>,
    pub standard_deviation: f64,
}

/// All spectra in a folder and the folders in it. A file that holds none becomes a line of `left_out`.
///
/// # Errors
///
/// If the folder itself cannot be read.
pub fn read(results: &Path, left_out: &mut Vec<String>) -> Result<Vec<Spectrum>> {
    let mut spectra = Vec::new();
    // Folders that cannot be read were named with the runs.
    for folder in finished::folders(results, &mut Vec::new())? {
        let path = folder.join(SPECTRUM);
        if !path.is_file() {
            continue;
        }
        match read_one(&path) {
            Ok(spectrum) => spectra.push(Spectrum {
                file: place(&path, results),
                ..spectrum
            }),
            Err(error) => left_out.push(format!("{}: {error:#}; it is left out", path.display())),
        }
    }
    Ok(spectra)
}

fn read_one(path: &Path) -> Result<Spectrum> {
    let text = std::fs::read(path).context("cannot be read")?;
    let spectrum: Spectrum = serde_json::from_slice(&text).context("holds no spectrum")?;
    let Density {
        points, densities, ..
    } = &spectrum.density;
    ensure!(
        !points.is_empty() && points.len() == densities.len(),
        "{} points with {} densities: expected as many of both",
        points.len(),
        densities.len()
    );
    Ok(spectrum)
}
