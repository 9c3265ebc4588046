//! What a results folder holds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::records;
use crate::report::FinishedRun;

/// The file that `experiments spectrum` writes.
const SPECTRUM: &str = "spectrum.json";

/// A run, with its folder as seen from the results folder.
pub struct Found {
    pub folder: String,
    pub run: FinishedRun,
}

/// Everything that a page can show, and what could not be read.
#[derive(Default)]
pub struct Gathered {
    pub runs: Vec<Found>,
    pub spectra: Vec<Spectrum>,
    /// One line for each folder or file that is left out, with its reason.
    pub problems: Vec<String>,
}

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

impl Gathered {
    /// Reads all runs and spectra in a folder and the folders in it. What cannot be read becomes a problem.
    ///
    /// # Errors
    ///
    /// The folder cannot be read, or holds nothing to show.
    pub fn read(folder: &Path) -> Result<Self> {
        ensure!(
            folder.is_dir(),
            "there is no folder {}: give the one that `experiments run` has written to, such as results/quick",
            folder.display()
        );
        let mut gathered = Self::default();
        gathered.walk(folder, folder)?;
        // Messages name paths as seen from the folder: what lies above it is nobody's business on a page that is sent on.
        let above = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
        for problem in &mut gathered.problems {
            *problem = problem.replace(&above, "");
        }
        if gathered.runs.is_empty() && gathered.spectra.is_empty() {
            let mut message = format!(
                "{} holds no run that can be read: give the folder that `experiments run` has written to, such as \
                 results/quick",
                folder.display()
            );
            for problem in &gathered.problems {
                message += &format!("\n  - {problem}");
            }
            anyhow::bail!(message);
        }
        Ok(gathered)
    }

    fn walk(&mut self, root: &Path, folder: &Path) -> Result<()> {
        let name = |path: &Path| match path.strip_prefix(root) {
            Ok(inner) if inner.as_os_str().is_empty() => ".".to_owned(),
            inner => inner.unwrap_or(path).display().to_string(),
        };
        if folder.join(records::RUN).is_file() || folder.join(records::CONFIG).is_file() {
            match FinishedRun::read(folder) {
                Ok(Some(run)) => self.runs.push(Found {
                    folder: name(folder),
                    run,
                }),
                Ok(None) => self.problems.push(format!(
                    "{}: no {}; the run has hardly begun, or the file was deleted",
                    name(folder),
                    records::RUN
                )),
                Err(error) => self.problems.push(format!(
                    "{}: {error:#}; the run is left out: give its command again to make it anew",
                    name(folder)
                )),
            }
        }
        let spectrum = folder.join(SPECTRUM);
        if spectrum.is_file() {
            match read_spectrum(&spectrum) {
                Ok(read) => self.spectra.push(Spectrum {
                    file: name(&spectrum),
                    ..read
                }),
                Err(error) => {
                    (self.problems).push(format!("{}: {error:#}; it is left out", name(&spectrum)))
                }
            }
        }
        for inner in folders(folder)? {
            if let Err(error) = self.walk(root, &inner) {
                self.problems.push(format!("{error:#}"));
            }
        }
        Ok(())
    }
}

/// The folders in a folder, in order. Links are not followed: a circle of them would have no end.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        if entry.file_type().with_context(cannot)?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn read_spectrum(path: &Path) -> Result<Spectrum> {
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
