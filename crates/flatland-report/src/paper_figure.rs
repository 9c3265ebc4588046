//! The figures of the paper, from finished runs.

use flatland_config::RunConfig;
use flatland_models::Loss;
use flatland_optim::MethodConfig;
use flatland_records::RunRecords;
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::figure::{self, ColumnsFigure, EarlyFigure, Figure, MethodCurves, SegmentFigure};
use crate::summary::{self, Problem};

/// A figure of the paper, or one like it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, EnumMessage, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
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
    #[strum(serialize = "appD")]
    AppD,
    /// Five panels by epoch: SAM, CDAT, NLS-ub, NLS, LS with mini-batches.
    #[strum(serialize = "appE")]
    AppE,
    /// Figure 1 with cross-entropy.
    #[strum(serialize = "appH")]
    AppH,
    /// Five panels with every method that there is.
    All,
}

impl PaperFigure {
    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The methods that it shows. None stands for all.
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

    /// Whether it shows a run.
    pub fn shows(self, run: &RunRecords) -> bool {
        let RunConfig {
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

    /// The runs that it needs, for a message.
    pub fn needs(self) -> String {
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

/// Draws a figure of runs that it [shows](PaperFigure::shows). Returns the picture and the titles of its problems.
pub fn draw(runs: &[RunRecords], figure: PaperFigure) -> (String, Vec<String>) {
    let problems = summary::problems(runs);
    let mut entries = problems.iter().flat_map(|problem| &problem.entries);
    let has_seeds = entries.any(|entry| entry.runs.len() > 1);
    let is_nested = matches!(figure, PaperFigure::Fig2 | PaperFigure::Fig4);
    let title = match (has_seeds, seeds(runs)) {
        (false, seed) => format!("{}, seed {seed}", figure.name()),
        (true, seeds) if is_nested => format!("{}, seeds {seeds}", figure.name()),
        (true, seeds) => format!("{}, median and range of seeds {seeds}", figure.name()),
    };
    let svg = if is_nested {
        figure::stack(&title, &nested(&problems, figure), 2)
    } else {
        columns(&problems, &title)
    };
    (svg, problems.iter().map(Problem::title).collect())
}

/// The seeds of runs, such as `42` or `0–9`.
pub fn seeds(runs: &[RunRecords]) -> String {
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.config.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    summary::listed(&seeds)
}

/// A column of five panels for each problem.
fn columns(problems: &[Problem<'_>], title: &str) -> String {
    let labels: Vec<Vec<String>> = problems.iter().map(labels).collect();
    let mut columns = Vec::new();
    for (problem, labels) in problems.iter().zip(&labels) {
        let curves = problem.entries.iter().zip(labels).map(|(entry, label)| {
            let method = &entry.config().method;
            MethodCurves {
                label,
                runs: entry.runs.iter().map(|&run| run.into()).collect(),
                edge: method.step_size().map(|_| method.edge_name_for(label)),
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
        if is_alone {
            label.split(' ').next().unwrap_or_default().to_owned()
        } else {
            label.clone()
        }
    };
    (0..count).map(label).collect()
}

/// The pictures of the runs' diagnostics or segments, with their sizes.
fn nested(problems: &[Problem<'_>], figure: PaperFigure) -> Vec<(String, (f64, f64))> {
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
                .to_svg(),
                _ => SegmentFigure {
                    title: &title,
                    rows: &run.segment,
                }
                .to_svg(),
            });
        }
    }
    pictures
}
