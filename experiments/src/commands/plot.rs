//! `experiments plot`: the paper's figures from finished runs.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, value_parser};
use flatland_records::folder::read_runs;
use flatland_report::figure::{self, PictureFormat, Resolution};
use flatland_report::keep_only;
use flatland_report::paper_figure::{self, PaperFigure};

use crate::exit::Ending;
use crate::terminal::{choice, show};

/// Pixels of a PNG in an inch: what journals ask for.
const DPI: u32 = 300;

#[derive(Debug, Args)]
#[command(
    long_about = "Draw a figure of the paper from finished runs, whatever grid they were made by: a column of panels \
        for each problem (data set, network and all other settings), with one legend. Figures 2 and 4 have a block for \
        each run. Runs of other methods than the figure's are not drawn.\n\n\
        Where runs differ in their seed, the curves are their medians, with bands from the least to the largest value; \
        figures 2 and 4 have a block for each seed.\n\n\
        What cannot be read is named and left out.",
    after_help = "For instance:\n  \
        experiments plot results/fig1 --figure fig1\n  \
        experiments plot results --figure fig3 --output figures/fig3.svg\n  \
        experiments plot results/quick --figure all --seed 7\n  \
        experiments plot results/paper --only dataset=svhn --only network=mlp,cnn\n  \
        experiments plot results/fig1 -o fig1.pdf                     for LaTeX\n  \
        experiments plot results/fig1 --format png --width 2400\n\n\
        Exit code: 0 figure drawn, 2 no run for it, or wrong usage."
)]
pub struct PlotArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Which figure.
    #[arg(long, value_name = "FIGURE", default_value = "fig1", value_parser = choice::<PaperFigure>())]
    pub figure: PaperFigure,
    /// Draw only some runs: --only dataset=svhn,emnist --only network=mlp
    #[arg(long, value_name = "KEY=VALUE")]
    pub only: Vec<String>,
    /// The seed of the runs drawn. Default: all seeds, as medians and ranges.
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// The file. Default: in RESULTS, with the name of the figure.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What the picture is written as. Default: what the name of the file says, else SVG.
    #[arg(long, value_name = "FORMAT", value_parser = choice::<PictureFormat>())]
    pub format: Option<PictureFormat>,
    /// Pixels of a PNG in an inch, from 10 to 2400. Default: 300, or as many as 100 million pixels allow.
    #[arg(long, value_name = "DPI", value_parser = value_parser!(u32).range(10..=2400))]
    pub dpi: Option<u32>,
    /// Pixels of a PNG from left to right, from 16 to 20000, in place of --dpi.
    #[arg(long, value_name = "PIXELS", value_parser = value_parser!(u32).range(16..=20_000), conflicts_with = "dpi")]
    pub width: Option<u32>,
}

/// `experiments plot`
pub fn run(arguments: &PlotArgs) -> Result<Ending> {
    let PlotArgs {
        results, figure, ..
    } = arguments;
    let (path, format, resolution) = target(arguments)?;
    let is_default = matches!(resolution, Resolution::UpToDpi(_));
    let mut runs = read_runs(results)?;
    runs.retain(|run| run.has_begun() && figure.shows(run));
    ensure!(
        !runs.is_empty(),
        "--figure {} needs {}, and {} holds none: `experiments table {2}` lists what there is; --figure all draws every \
         method",
        figure.name(),
        figure.needs(),
        results.display(),
    );
    keep_only(&mut runs, &arguments.only)?;
    if let Some(seed) = arguments.seed {
        let seeds = paper_figure::seeds(&runs);
        runs.retain(|run| run.config.seed == seed);
        ensure!(
            !runs.is_empty(),
            "--seed {seed}: there is no such run; seeds are {seeds}"
        );
    }
    let (svg, problems) = paper_figure::draw(&runs, *figure);
    let dpi = figure::write(&path, &svg, format, resolution)?;
    show!("{}: {}", path.display(), problems.join("; "));
    if let Some(dpi) = dpi.filter(|&dpi| dpi < f64::from(DPI) && is_default) {
        show!(
            "{dpi} pixels in an inch instead of {DPI}, so that the picture is not too large: --only draws fewer problems, \
             --format pdf is sharp at any size"
        );
    }
    Ok(Ending::Success)
}

/// The file, its format, and its resolution.
fn target(arguments: &PlotArgs) -> Result<(PathBuf, PictureFormat, Resolution)> {
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
            Some(PictureFormat::of(path).with_context(|| {
                format!(
                    "--output {}: end the name in .svg, .png or .pdf, or give --format",
                    path.display()
                )
            })?)
        }
        _ => None,
    };
    let format = arguments.format.or(of_output).unwrap_or(PictureFormat::Svg);
    let (resolution, option) = match (dpi, width) {
        (Some(dpi), _) => (Resolution::Dpi(*dpi), "--dpi"),
        (None, Some(width)) => (Resolution::Width(*width), "--width"),
        (None, None) => (Resolution::UpToDpi(DPI), ""),
    };
    ensure!(
        option.is_empty() || format == PictureFormat::Png,
        "{option} is for PNG, and the picture is {}, which is sharp at any size: give --format png, or leave {option} out",
        format.extension().to_uppercase()
    );
    let file = format!("{}.{}", figure.name(), format.extension());
    let path = output.clone().unwrap_or_else(|| results.join(file));
    Ok((path, format, resolution))
}
