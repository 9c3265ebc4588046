//! `experiments plot`: the paper's figures from finished runs.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use flatland_models::Loss;

use crate::cell::CellConfig;
use crate::cli::PlotArgs;
use crate::figure::{self, ColumnsFigure, Curves, EarlyFigure, Figure, SegmentFigure};
use crate::finished;
use crate::method::MethodConfig;
use crate::report::FinishedRun;
use crate::session::Ending;
use crate::summary::{self, Problem};

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
        results,
        figure,
        seed,
        output,
    } = arguments;
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
    let seeds: Vec<u64> = runs.iter().map(|run| run.config.seed).collect();
    let least = seeds.iter().copied().min().unwrap_or_default();
    let seed = seed.unwrap_or(least);
    ensure!(
        seeds.contains(&seed),
        "--seed {seed}: there is no such run; seeds are {}",
        listed(&seeds)
    );
    runs.retain(|run| run.config.seed == seed);
    let problems = summary::problems(&runs);
    let path = output
        .clone()
        .unwrap_or_else(|| results.join(format!("{}.svg", figure.name())));
    let title = format!("{}, seed {seed}", figure.name());
    match figure {
        PaperFigure::Fig2 | PaperFigure::Fig4 => {
            let svg = nested(&problems, *figure).map(|parts| figure::stack(&title, &parts, 2));
            figure::save(&path, &title, svg)?;
        }
        _ => draw_columns(&problems, &title, &path)?,
    }
    let shown = problems.iter().map(Problem::title);
    println!("{}: {}", path.display(), Vec::from_iter(shown).join("; "));
    Ok(Ending::Success)
}

fn listed(seeds: &[u64]) -> String {
    let mut seeds = seeds.to_vec();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds = seeds.iter().map(u64::to_string);
    Vec::from_iter(seeds).join(", ")
}

/// A column of five panels for each problem.
fn draw_columns(problems: &[Problem<'_>], title: &str, path: &Path) -> Result<()> {
    let labels: Vec<Vec<String>> = problems.iter().map(labels).collect();
    let titles: Vec<String> = problems.iter().map(short_title).collect();
    let mut columns = Vec::new();
    for ((problem, labels), title) in problems.iter().zip(&labels).zip(&titles) {
        let curves = problem.entries.iter().zip(labels).map(|(entry, label)| {
            let FinishedRun {
                config,
                metrics,
                sharpness,
                epochs,
                ..
            } = entry.runs[0];
            Curves {
                label,
                metrics,
                sharpness,
                epochs,
                per_epoch: entry.runs[0].per_epoch(),
                edge: config.method.step_size().map(|_| match config.method {
                    MethodConfig::Sam(_) => format!("edge of {label}"),
                    _ => format!("2/η of {label}"),
                }),
            }
        });
        columns.push(Figure {
            title,
            sharpness_floor: problem.config().floor(),
            sufficient_decrease: problem.config().method.sufficient_decrease(),
            curves: curves.collect(),
        });
    }
    ColumnsFigure { title, columns }.draw(path)
}

/// Data set and network, and what else tells the problem from another.
fn short_title(problem: &Problem<'_>) -> String {
    let CellConfig {
        dataset, network, ..
    } = problem.config();
    match problem.settings.as_str() {
        "" => format!("{dataset} × {}", network.name()),
        settings => format!("{dataset} × {}, {settings}", network.name()),
    }
}

/// The methods' names; step sizes and other options only where they tell two of a method apart.
fn labels(problem: &Problem<'_>) -> Vec<String> {
    let name = |place: usize| problem.entries[place].runs[0].config.method.name();
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
    for problem in problems {
        for entry in &problem.entries {
            let run = entry.runs[0];
            let title = format!("{} · {}", short_title(problem), entry.label);
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
