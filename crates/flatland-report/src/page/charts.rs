//! What the page's charts are drawn from, as it holds it in JSON.

use std::path::{Path, PathBuf};

use flatland_records::{RunRecords, SegmentRow, SpectrumRecord};
use serde::Serialize;

use super::early::Early;
use super::links::{anchor, path_in};
use super::seeds::OverSeeds;
use super::thin::{PageCurve, Short, percent, short};
use crate::figure::CurveStyle;
use crate::series::{RunSeries, Series};
use crate::summary::{self, Entry, Problem};

/// Iterations of a run that have a picture of their segment, evenly chosen of more.
const SEGMENTS: usize = 24;

/// All charts.
#[derive(Serialize)]
pub struct Charts {
    pub problems: Vec<Panels>,
    pub early: Vec<Early>,
    pub segments: Vec<SegmentChart>,
    pub densities: Vec<DensityChart>,
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
    pub loss: PageCurve,
    pub sharpness: PageCurve,
    /// Of a stochastic run: the least and the largest `λ₁` of the mini-batches.
    pub range: Option<(PageCurve, PageCurve)>,
    pub edge: Option<Edge>,
    pub step_size: PageCurve,
    pub product: PageCurve,
    pub accuracy: PageCurve,
}

/// The edge of stability of a method whose step size is fixed.
#[derive(Serialize)]
pub struct Edge {
    pub name: String,
    pub curve: PageCurve,
}

/// The smoothness of one run along a step.
#[derive(Serialize)]
pub struct SegmentChart {
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
pub struct DensityChart {
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
    pub fn new(
        problems: &[Problem<'_>],
        spectra: &[(PathBuf, SpectrumRecord)],
        results: &Path,
    ) -> Self {
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
            densities: (spectra.iter())
                .map(|(path, spectrum)| density(&path_in(results, path), spectrum))
                .collect(),
        }
    }
}

fn panels(index: usize, problem: &Problem<'_>, results: &Path) -> Panels {
    let config = problem.config();
    let methods = problem.entries.iter().map(|entry| &entry.config().method);
    let reaches = summary::reaches(methods);
    let mut styles: Vec<CurveStyle> = Vec::new();
    let (mut runs, mut seeds) = (Vec::new(), Vec::new());
    for entry in &problem.entries {
        let style = CurveStyle::after(entry.config().method.name(), &styles);
        runs.extend((entry.runs.iter()).map(|run| RunCurves {
            folder: path_in(results, &run.directory),
            ..run_curves(run, entry, &style)
        }));
        seeds.extend(OverSeeds::new(entry, &style));
        styles.push(style);
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

fn run_curves(run: &RunRecords, entry: &Entry<'_>, style: &CurveStyle) -> RunCurves {
    let rows = RunSeries::from(run);
    let is_stochastic = rows.per_epoch.is_some();
    let curve = |series: Series| PageCurve::thin(&rows.points(series));
    let method = entry.label.clone();
    RunCurves {
        label: match entry.runs.len() {
            1 => method.clone(),
            _ => format!("{method}, seed {}", run.config.seed),
        },
        method,
        folder: String::new(),
        color: style.color(),
        dashes: style.dashes.to_vec(),
        loss: curve(Series::Loss),
        sharpness: curve(Series::Sharpness),
        range: is_stochastic.then(|| (curve(Series::SharpnessMin), curve(Series::SharpnessMax))),
        edge: run.config.method.edge_name().map(|name| Edge {
            name,
            curve: curve(Series::Edge),
        }),
        step_size: curve(Series::StepSize),
        product: curve(Series::Product),
        accuracy: PageCurve::thin(&percent(rows.points(Series::TestAccuracy))),
    }
}

fn segments(
    problem: &str,
    (method, title): &(&str, String),
    run: &RunRecords,
) -> Vec<SegmentChart> {
    let all: Vec<&[SegmentRow]> =
        (run.segment.chunk_by(|a, b| a.iteration == b.iteration)).collect();
    let stride = all.len().div_ceil(SEGMENTS).max(1);
    let segment = |rows: &&[SegmentRow]| {
        let mut rows: Vec<&SegmentRow> = rows.iter().collect();
        rows.sort_by(|a, b| a.t.total_cmp(&b.t));
        let list = |value: fn(&SegmentRow) -> f64| short(rows.iter().map(|row| value(row)));
        SegmentChart {
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

fn density(file: &str, spectrum: &SpectrumRecord) -> DensityChart {
    let about = &spectrum.about;
    let network = about.network.get("name").and_then(|name| name.as_str());
    let bump = 1.0 / (spectrum.density.standard_deviation * std::f64::consts::TAU.sqrt());
    DensityChart {
        title: format!(
            "{} · {} · {}, {} samples: {file}",
            about.dataset,
            network.unwrap_or("network"),
            about.loss_function,
            about.samples
        ),
        dataset: about.dataset.clone(),
        network: network.map(str::to_owned),
        loss: about.loss_function.clone(),
        floor: about.floor().map(Short),
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
