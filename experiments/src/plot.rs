//! `experiments plot`: the paper's figures from finished runs.

mod only;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use flatland_models::Loss;

use crate::cell::CellConfig;
use crate::cli::PlotArgs;
use crate::figure::{
    self, ColumnsFigure, Curves, EarlyFigure, Figure, Format, Resolution, SegmentFigure,
};
use crate::finished;
use crate::method::MethodConfig;
use crate::report::FinishedRun;
use crate::session::Ending;
use crate::summary::{self, Problem};

/// Pixels of a PNG in an inch: what journals ask for.
const DPI: u32 = 300;

/// A figure of the paper, or one like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaperFigure {
    /// Five panels: NLS, PoNLS, LS, CDAT, SAM.
    Fig1,
    /// The early phase of NLS: eigenvalues, trace, gradient norms; of runs with diagnostics.
    Fig2,
    /// Five panels: NLS, NLS-ub, CDAT.
    Fig3,
    /// Smoothness along steps of NLS; of runs with segments.
    Fig4,
    /// Five panels: warm-up beyond K and below it.
    #[value(name = "appD")]
    AppD,
    /// Five panels by epoch: SAM, CDAT, NLS-ub, NLS, LS with mini-batches.
    #[value(name = "appE")]
    AppE,
    /// Figure 1 with cross-entropy.
    #[value(name = "appH")]
    AppH,
    /// Five panels with every method that there is.
    All,
}

impl PaperFigure {
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or(String::new(), |value| value.get_name().to_owned())
    }

    /// The methods it shows; without any, all.
    fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Fig1 | Self::AppH => &["nls", "ponls", "ls", "cdat", "sam"],
            Self::Fig2 | Self::Fig4 => &["nls"],
            Self::Fig3 => &["nls", "nls-ub", "cdat"],
            Self::AppD => &["gd-warmup", "gd-warmup-ub"],
            Self::AppE => &["sam", "cdat", "nls-ub", "nls", "ls"],
            Self::All => &[],
        }
    }

    /// Whether a run belongs into it.
    fn shows(self, run: &FinishedRun) -> bool {
        let CellConfig {
            method,
            loss,
            mini_batches,
            ..
        } = &run.config;
        let is_of_methods = match self.methods() {
            [] => true,
            methods => methods.contains(&method.name()),
        };
        is_of_methods
            && match self {
                Self::All => true,
                Self::Fig2 => !run.diagnostics.is_empty(),
                Self::Fig4 => !run.segment.is_empty(),
                Self::AppE => mini_batches.is_some(),
                Self::AppH => mini_batches.is_none() && *loss == Loss::CrossEntropy,
                Self::Fig1 | Self::Fig3 | Self::AppD => {
                    mini_batches.is_none() && *loss == Loss::Mse
                }
            }
    }

    /// What it needs, for when there is nothing.
    fn needs(self) -> String {
        let more = match self {
            Self::All => return "a run".to_owned(),
            Self::Fig2 => " with diagnostics (--preset fig2, or a table [diagnostics] in the grid)",
            Self::Fig4 => " with segments (--preset fig4, or a table [segment] in the grid)",
            Self::AppE => " with mini-batches (--preset appE, or batch_size in the grid)",
            Self::AppH => " with the full batch and cross-entropy (--preset appH)",
            Self::Fig1 | Self::Fig3 | Self::AppD => " with the full batch and mean squared error",
        };
        format!("a run of {}{more}", self.methods().join(", "))
    }
}

/// `experiments plot`
pub fn run(arguments: &PlotArgs) -> Result<Ending> {
    let PlotArgs {
        results, figure, ..
    } = arguments;
    let (path, format, resolution) = target(arguments)?;
    let is_default = matches!(resolution, Resolution::UpToDpi(_));
    let mut runs = finished::read(results)?;
    runs.retain(|run| run.has_begun() && figure.shows(run));
    ensure!(
        !runs.is_empty(),
        "--figure {} needs {}, and {} holds none: `experiments table {2}` lists what there is; --figure all draws every \
         method",
        figure.name(),
        figure.needs(),
        results.display(),
    );
    only::keep(&mut runs, &arguments.only)?;
    if let Some(seed) = arguments.seed {
        let seeds = listed(&runs);
        runs.retain(|run| run.config.seed == seed);
        ensure!(
            !runs.is_empty(),
            "--seed {seed}: there is no such run; seeds are {seeds}"
        );
    }
    let problems = summary::problems(&runs);
    let mut entries = problems.iter().flat_map(|problem| &problem.entries);
    let has_seeds = entries.any(|entry| entry.runs.len() > 1);
    let is_nested = matches!(figure, PaperFigure::Fig2 | PaperFigure::Fig4);
    let title = match (has_seeds, listed(&runs)) {
        (false, seed) => format!("{}, seed {seed}", figure.name()),
        (true, seeds) if is_nested => format!("{}, seeds {seeds}", figure.name()),
        (true, seeds) => format!("{}, median and range of seeds {seeds}", figure.name()),
    };
    let svg = match is_nested {
        true => nested(&problems, *figure).map(|parts| figure::stack(&title, &parts, 2)),
        false => columns(&problems, &title),
    };
    let svg = svg.with_context(|| format!("cannot draw the picture of {title}"))?;
    let dpi = figure::write(&path, &svg, format, resolution)?;
    let shown = problems.iter().map(Problem::title);
    println!("{}: {}", path.display(), Vec::from_iter(shown).join("; "));
    if let Some(dpi) = dpi.filter(|&dpi| dpi < f64::from(DPI) && is_default) {
        println!(
            "{dpi} pixels in an inch instead of {DPI}, so that the picture is not too large: --only draws fewer problems, \
             --format pdf is sharp at any size"
        );
    }
    Ok(Ending::Success)
}

/// The file, what it is written as, and with how many pixels.
fn target(arguments: &PlotArgs) -> Result<(PathBuf, Format, Resolution)> {
    let PlotArgs {
        results,
        figure,
        output,
        dpi,
        width,
        ..
    } = arguments;
    let of_output = match output {
        Some(path) if path.extension().is_some() && arguments.format.is_none() => {
            Some(Format::of(path).with_context(|| {
                format!(
                    "--output {}: end the name in .svg, .png or .pdf, or give --format",
                    path.display()
                )
            })?)
        }
        _ => None,
    };
    let format = arguments.format.or(of_output).unwrap_or(Format::Svg);
    let (resolution, option) = match (dpi, width) {
        (Some(dpi), _) => (Resolution::Dpi(*dpi), "--dpi"),
        (None, Some(width)) => (Resolution::Width(*width), "--width"),
        (None, None) => (Resolution::UpToDpi(DPI), ""),
    };
    ensure!(
        option.is_empty() || format == Format::Png,
        "{option} is for PNG, and the picture is {}, which is sharp at any size: give --format png, or leave {option} out",
        format.extension().to_uppercase()
    );
    let file = format!("{}.{}", figure.name(), format.extension());
    let path = output.clone().unwrap_or_else(|| results.join(file));
    Ok((path, format, resolution))
}

/// The seeds of the runs.
fn listed(runs: &[FinishedRun]) -> String {
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.config.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    summary::listed(&seeds)
}

/// A column of five panels for each problem.
fn columns(problems: &[Problem<'_>], title: &str) -> Result<String> {
    let labels: Vec<Vec<String>> = problems.iter().map(labels).collect();
    let mut columns = Vec::new();
    for (problem, labels) in problems.iter().zip(&labels) {
        let curves = problem.entries.iter().zip(labels).map(|(entry, label)| {
            let method = &entry.config().method;
            Curves {
                label,
                runs: entry.runs.iter().map(|&run| run.into()).collect(),
                edge: method.step_size().map(|_| match method {
                    MethodConfig::Sam(_) => format!("edge of {label}"),
                    _ => format!("2/η of {label}"),
                }),
            }
        });
        columns.push(Figure {
            title: &problem.name,
            sharpness_floor: problem.config().floor(),
            reaches: summary::reaches(methods(problem)),
            curves: curves.collect(),
        });
    }
    ColumnsFigure { title, columns }.to_svg()
}

fn methods<'a>(problem: &'a Problem<'_>) -> impl Iterator<Item = &'a MethodConfig> {
    (problem.entries.iter()).map(|entry| &entry.config().method)
}

/// The methods' names; step sizes and other options only where they tell two of a method apart.
fn labels(problem: &Problem<'_>) -> Vec<String> {
    let name = |place: usize| problem.entries[place].config().method.name();
    let count = problem.entries.len();
    let label = |place: usize| {
        let is_alone = (0..count).all(|other| other == place || name(other) != name(place));
        let label = &problem.entries[place].label;
        match is_alone {
            true => label.split(' ').next().unwrap_or_default().to_owned(),
            false => label.clone(),
        }
    };
    (0..count).map(label).collect()
}

/// The pictures of the runs' diagnostics or segments, with their sizes.
fn nested(problems: &[Problem<'_>], figure: PaperFigure) -> Result<Vec<(String, (f64, f64))>> {
    let mut pictures = Vec::new();
    let entries = (problems.iter())
        .flat_map(|problem| problem.entries.iter().map(move |entry| (problem, entry)));
    for (problem, entry) in entries {
        for run in &entry.runs {
            let (name, label) = (&problem.name, &entry.label);
            let title = format!("{name} · {label}, seed {}", run.config.seed);
            pictures.push(match figure {
                PaperFigure::Fig2 => EarlyFigure {
                    title: &title,
                    floor: run.config.floor(),
                    rows: &run.diagnostics,
                }
                .to_svg()?,
                _ => SegmentFigure {
                    title: &title,
                    rows: &run.segment,
                }
                .to_svg()?,
            });
        }
    }
    Ok(pictures)
}
