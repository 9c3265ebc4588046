//! Arguments of the commands that read what runs have left.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, value_parser};

use crate::figure;
use crate::plot::PaperFigure;
use crate::summary::sheet::Format;
use crate::table;

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Make a page of finished or running grids: one HTML file that needs no network and can be sent by \
        mail.\n\nIt holds a table to sort and filter, the five panels of every problem with zoom and values at the \
        cursor, eigenvalues, gradient norms and smoothness where the grid asked for them, the spectra that \
        `experiments spectrum` left in the folder, the verdict on every claim of the paper, and for each run where it \
        comes from and the command that makes it again.",
    after_help = "For instance:\n  \
        experiments report                             everything in results/, as results/report.html\n  \
        experiments report results/quick --open        one grid, shown in the browser\n  \
        experiments report results/fig1 -o fig1.html   under another name\n\n\
        A running grid can be reported on at any time; give the command again for the latest state. Folders that \
        cannot be read are named and left out.\n\n\
        Exit code: 0 the page was written, 2 there is nothing to show or the page cannot be written."
)]
pub struct ReportArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Show the page in the browser.
    #[arg(long)]
    pub open: bool,
    /// The page. Default: report.html in the folder.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Show finished runs as a table: a group of rows for each problem (data set, network, loss and all \
        other settings), a row for each method, the mean ± sample standard deviation over the seeds. The best of a \
        group is marked where all runs of at least two methods reached their end.\n\n\
        What cannot be read is named and left out.",
    after_help = "For instance:\n  \
        experiments table results/fig1\n  \
        experiments table results/fig1 --columns final-loss,sharpness,test-accuracy --sort test-accuracy\n  \
        experiments table results/fig1 --format latex > fig1.tex     \\input it; it needs the package booktabs\n  \
        experiments table results --format csv > runs.csv\n\n\
        Exit code: 0 table printed, 2 no run could be read, or wrong usage."
)]
pub struct TableArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// What the table is written as.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// The columns after the method, in this order (words before numbers).
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = table::DEFAULT,
        value_parser = PossibleValuesParser::new(table::columns()))]
    pub columns: Vec<String>,
    /// Sort the methods of a problem by a column, the best first; where there is no better, the least.
    #[arg(long, value_name = "COLUMN", value_parser = PossibleValuesParser::new(table::quantities()),
        hide_possible_values = true)]
    pub sort: Option<String>,
    /// The other way round.
    #[arg(long)]
    pub reverse: bool,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Hold runs side by side: the settings in which they differ, their results, and the iteration, the \
        function evaluations and the time at which each was first at a loss or below it. Time is that of stepping, \
        without measurements. Of a stochastic run, losses are those on all samples, after an epoch.",
    after_help = "For instance:\n  \
        experiments compare results/quick/fashion-mnist-mlp-*\n  \
        experiments compare results/quick/fashion-mnist-mlp-nls-* results/quick/fashion-mnist-mlp-ls-* --loss 0.05\n\n\
        Exit code: 0 comparison printed, 2 not two runs that can be read, or wrong usage."
)]
pub struct CompareArgs {
    /// Directories of runs, or folders with runs.
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<PathBuf>,
    /// The loss to be reached. Default: the worst final loss among the runs that got to their end, if all are of one data
    /// set, network and loss function.
    #[arg(long, value_name = "X")]
    pub loss: Option<f64>,
    /// What the comparison is written as.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("target").required(true).multiple(true).args(["tensorboard", "parquet"]),
    long_about = "Hand finished runs to other programs, from their records.\n\n\
        --tensorboard writes an event file for each run, in folders named like those of the runs: a line for each \
        number, by iteration, and the configuration as text. TensorBoard keeps single precision.\n\n\
        --parquet writes one table with a row for each run and iteration, in double precision: the run's directory, \
        data set, network, method, seed, status and configuration, then what was recorded at the iteration; what was \
        not is null. The row after the last step holds the final numbers.\n\n\
        What cannot be read is named and left out. Files of an earlier export are replaced.",
    after_help = "For instance:\n  \
        experiments export results/fig1 --tensorboard events && tensorboard --logdir events\n  \
        experiments export results --parquet runs.parquet\n  \
        python -c 'import pandas; print(pandas.read_parquet(\"runs.parquet\"))'\n\n\
        Exit code: 0 all written, 2 no run could be read, a file could not be written, or wrong usage."
)]
pub struct ExportArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Folder for TensorBoard's event files.
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// File for the Parquet table; needs a program built with the Cargo feature parquet.
    #[arg(long, value_name = "FILE")]
    pub parquet: Option<PathBuf>,
}

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
    #[arg(long, value_name = "FIGURE", default_value = "fig1")]
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
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<figure::Format>,
    /// Pixels of a PNG in an inch, from 10 to 2400. Default: 300, or as many as 100 million pixels allow.
    #[arg(long, value_name = "DPI", value_parser = value_parser!(u32).range(10..=2400))]
    pub dpi: Option<u32>,
    /// Pixels of a PNG from left to right, from 16 to 20000, in place of --dpi.
    #[arg(long, value_name = "PIXELS", value_parser = value_parser!(u32).range(16..=20_000), conflicts_with = "dpi")]
    pub width: Option<u32>,
}
