//! What the page's charts are drawn from, as it holds it in JSON.

use std::path::Path;

use serde::Serialize;

use super::early::Early;
use super::seeds::OverSeeds;
use super::spectra::Spectrum;
use super::thin::{Curve, Short, short};
use super::{anchor, place};
use crate::figure::Look;
use crate::grid::loss_name;
use crate::records::{SegmentRow, SharpnessRow};
use crate::report::{FinishedRun, edge_name};
use crate::summary::{self, Entry, Problem};

/// Iterations of a run that have a picture of their segment, evenly chosen of more.
const SEGMENTS: usize = 24;

/// All charts.
#[derive(Serialize)]
pub struct Charts {
    pub problems: Vec<Panels>,
    pub early: Vec<Early>,
    pub segments: Vec<Segment>,
    pub densities: Vec<Density>,
}

/// The five panels of a problem.
#[derive(Serialize)]
pub struct Panels {
    pub anchor: String,
    /// What the horizontal axes count.
    pub unit: &'static str,
    /// `2/K`, where the sharpness has that floor.
    pub floor: Option<Short>,
    /// `1 − c` of the methods, each value once.
    pub reaches: Vec<Short>,
    pub runs: Vec<RunCurves>,
    /// What the runs of a method show together, where there are several.
    pub seeds: Vec<OverSeeds>,
}

/// The curves of one run.
#[derive(Serialize)]
pub struct RunCurves {
    /// The method's name, by which curves are switched on and off.
    pub method: String,
    /// The method's name, with the seed where there are several.
    pub label: String,
    /// The directory, as seen from the results folder.
    pub folder: String,
    /// `#RRGGBB`; nothing for the colour of text.
    pub color: Option<String>,
    pub dashes: Vec<f64>,
    pub loss: Curve,
    pub sharpness: Curve,
    /// Of a stochastic run: the least and the largest `λ₁` of the mini-batches.
    pub range: Option<(Curve, Curve)>,
    pub edge: Option<Edge>,
    pub step_size: Curve,
    pub product: Curve,
    pub accuracy: Curve,
}

/// The edge of stability of a method whose step size is fixed.
#[derive(Serialize)]
pub struct Edge {
    pub name: String,
    pub curve: Curve,
}

/// The smoothness of one run along a step.
#[derive(Serialize)]
pub struct Segment {
    pub problem: String,
    pub method: String,
    pub title: String,
    pub iteration: u64,
    pub step_size: Short,
    pub x: Vec<Short>,
    pub gradient_change: Vec<Short>,
    pub curvature: Vec<Short>,
    pub hessian_norm: Vec<Short>,
    pub sharpness: Vec<Short>,
}

/// A spectral density.
#[derive(Serialize)]
pub struct Density {
    pub title: String,
    /// What the filters of the table choose by.
    pub dataset: String,
    pub network: Option<String>,
    pub loss: String,
    pub floor: Option<Short>,
    /// Where the axis ends: a tenth of the bump that one eigenvalue makes.
    pub least: Short,
    pub x: Vec<Short>,
    pub density: Vec<Short>,
    pub eigenvalues: Vec<Short>,
    pub parameters: Vec<String>,
    pub norms: Vec<Short>,
}

impl Charts {
    /// The charts of all problems, of runs in the folder `results`, and of all spectra.
    pub fn new(problems: &[Problem<'_>], spectra: &[Spectrum], results: &Path) -> Self {
        let runs = || {
            problems.iter().enumerate().flat_map(|(index, problem)| {
                (problem.entries.iter()).flat_map(move |entry| {
                    entry.runs.iter().map(move |&run| {
                        let (name, label) = (&problem.name, &entry.label);
                        let title = format!("{name} · {label}, seed {}", run.config.seed);
                        (index, (label.as_str(), title), run)
                    })
                })
            })
        };
        let panels = |(index, problem)| panels(index, problem, results);
        Self {
            problems: problems.iter().enumerate().map(panels).collect(),
            early: runs()
                .filter(|(_, _, run)| !run.diagnostics.is_empty())
                .map(|(index, (method, title), run)| Early::new(anchor(index), method, title, run))
                .collect(),
            segments: runs()
                .flat_map(|(index, of, run)| segments(&anchor(index), &of, run))
                .collect(),
            densities: spectra.iter().map(density).collect(),
        }
    }
}

fn panels(index: usize, problem: &Problem<'_>, results: &Path) -> Panels {
    let config = problem.config();
    let methods = problem.entries.iter().map(|entry| &entry.config().method);
    let reaches = summary::reaches(methods);
    let mut looks: Vec<Look> = Vec::new();
    let (mut runs, mut seeds) = (Vec::new(), Vec::new());
    for entry in &problem.entries {
        let look = Look::after(entry.config().method.name(), &looks);
        runs.extend((entry.runs.iter()).map(|run| RunCurves {
            folder: place(&run.directory, results),
            ..run_curves(run, entry, &look)
        }));
        seeds.extend(OverSeeds::new(entry, &look));
        looks.push(look);
    }
    Panels {
        anchor: anchor(index),
        unit: match config.mini_batches {
            None => "iteration",
            Some(_) => "epoch",
        },
        floor: config.floor().map(Short),
        reaches: short(reaches),
        runs,
        seeds,
    }
}

fn run_curves(run: &FinishedRun, entry: &Entry<'_>, look: &Look) -> RunCurves {
    let per_epoch = run.per_epoch();
    let place = |iteration: u64| iteration as f64 / per_epoch.unwrap_or(1) as f64;
    let measured = |value: fn(&SharpnessRow) -> Option<f64>| {
        let point = |row: &SharpnessRow| Some((place(row.iteration), value(row)?));
        Curve::thin(&Vec::from_iter(run.sharpness.iter().filter_map(point)))
    };
    let by_epoch = |value: fn(&crate::records::EpochRow) -> Option<f64>| {
        let point = |row: &crate::records::EpochRow| Some((row.epoch as f64, value(row)?));
        Curve::thin(&Vec::from_iter(run.epochs.iter().filter_map(point)))
    };
    let recorded = |value: fn(&crate::records::MetricsRow) -> Option<f64>| {
        let point = |row: &crate::records::MetricsRow| Some((place(row.iteration), value(row)?));
        Curve::thin(&Vec::from_iter(run.metrics.iter().filter_map(point)))
    };
    let is_stochastic = per_epoch.is_some();
    let method = entry.label.clone();
    RunCurves {
        label: match entry.runs.len() {
            1 => method.clone(),
            _ => format!("{method}, seed {}", run.config.seed),
        },
        method,
        folder: String::new(),
        color: look.color(),
        dashes: look.dashes.to_vec(),
        loss: match is_stochastic {
            false => recorded(|row| Some(row.loss)),
            true => by_epoch(|row| Some(row.loss)),
        },
        sharpness: match is_stochastic {
            false => measured(|row| Some(row.sharpness)),
            true => by_epoch(|row| row.sharpness_mean),
        },
        range: is_stochastic.then(|| {
            (
                by_epoch(|row| row.sharpness_min),
                by_epoch(|row| row.sharpness_max),
            )
        }),
        edge: edge_name(&run.config.method).map(|name| Edge {
            name,
            curve: measured(|row| row.edge),
        }),
        step_size: recorded(|row| Some(row.step_size)),
        product: measured(SharpnessRow::product),
        accuracy: match is_stochastic {
            false => recorded(|row| Some(100.0 * row.test_accuracy?)),
            true => by_epoch(|row| Some(100.0 * row.test_accuracy?)),
        },
    }
}

fn segments(problem: &str, (method, title): &(&str, String), run: &FinishedRun) -> Vec<Segment> {
    let all: Vec<&[SegmentRow]> =
        (run.segment.chunk_by(|a, b| a.iteration == b.iteration)).collect();
    let stride = all.len().div_ceil(SEGMENTS).max(1);
    let segment = |rows: &&[SegmentRow]| {
        let mut rows: Vec<&SegmentRow> = rows.iter().collect();
        rows.sort_by(|a, b| a.t.total_cmp(&b.t));
        let list = |value: fn(&SegmentRow) -> f64| short(rows.iter().map(|row| value(row)));
        Segment {
            problem: problem.to_owned(),
            method: (*method).to_owned(),
            title: title.clone(),
            iteration: rows[0].iteration,
            step_size: Short(rows[0].step_size),
            x: list(|row| row.t),
            gradient_change: list(|row| row.gradient_change),
            curvature: list(|row| row.curvature),
            hessian_norm: list(|row| row.hessian_norm),
            sharpness: list(|row| row.sharpness),
        }
    };
    all.iter().step_by(stride).map(segment).collect()
}

fn density(spectrum: &Spectrum) -> Density {
    let about = &spectrum.about;
    let network = about.network.get("name").and_then(|name| name.as_str());
    let classes = about.dataset.parse().map(flatland_data::Dataset::classes);
    let is_mse = about.loss_function == loss_name(flatland_models::Loss::Mse);
    let bump = 1.0 / (spectrum.density.standard_deviation * std::f64::consts::TAU.sqrt());
    Density {
        title: format!(
            "{} · {} · {}, {} samples: {}",
            about.dataset,
            network.unwrap_or("network"),
            about.loss_function,
            about.samples,
            spectrum.file
        ),
        dataset: about.dataset.clone(),
        network: network.map(str::to_owned),
        loss: about.loss_function.clone(),
        floor: classes
            .ok()
            .filter(|_| is_mse)
            .map(|classes| Short(2.0 / classes as f64)),
        least: Short(0.1 * bump / about.parameters as f64),
        x: short(spectrum.density.points.iter().copied()),
        density: short(spectrum.density.densities.iter().copied()),
        eigenvalues: short(spectrum.eigenvalues.iter().copied()),
        parameters: (spectrum.gradient_norms.iter())
            .map(|at| at.parameter.clone())
            .collect(),
        norms: short(spectrum.gradient_norms.iter().map(|at| at.norm)),
    }
}
