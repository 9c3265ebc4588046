//! The command line.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use flatland_data::Dataset;
use serde::{Deserialize, Serialize};

use crate::cell::FloatType;
use crate::device::DeviceName;
use crate::memory::Chunk;
use crate::plot::PaperFigure;
use crate::presets::Scale;
use crate::summary::sheet::Format;
use crate::table;

/// Gradient descent with large step sizes, and the sharpness it settles at.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    long_about = "Gradient descent with large step sizes, and the sharpness it settles at.\n\n\
        Trains networks on image data sets with line-search gradient descent and its rivals, measures the largest \
        eigenvalue of the Hessian on the way, and leaves records, tables and pictures. Without a command it runs \
        the quick preset: everything it needs is in the binary.",
    after_help = "Start here:\n  \
        experiments                              the quick preset, about three minutes on two cores\n  \
        experiments data                         which data sets are found, and where to get the others\n  \
        experiments run --preset paper --dry-run what the paper's grid would take\n  \
        experiments run my.toml --device wgpu    your own grid on a GPU\n  \
        experiments report results/quick --open  a finished or running grid as a page\n  \
        experiments doctor --device wgpu         whether that GPU computes what it should",
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a grid: data sets × networks × methods × losses × seeds.
    Run(Box<RunArgs>),
    /// Find the best step size of SAM or gradient descent for every data set, network and loss of a grid.
    Tune(Box<TuneArgs>),
    /// List the data sets: found or not, where, how many samples, and whether their files are the official ones.
    Data(DataArgs),
    /// Hold finished runs against what the paper says, claim by claim.
    Check(CheckArgs),
    /// Make a page of finished or running grids: tables, figures, claims, how to make each run again.
    Report(ReportArgs),
    /// Show finished runs as a table: means and deviations over the seeds, for a terminal, Markdown, LaTeX or CSV.
    Table(TableArgs),
    /// Hold runs side by side: settings that differ, results, and when each reached a loss.
    Compare(CompareArgs),
    /// Hand finished runs to other programs: TensorBoard, or Parquet for pandas and polars.
    Export(ExportArgs),
    /// Draw a figure of the paper from finished runs, several data sets and networks side by side.
    Plot(PlotArgs),
    /// Check a device: every operator and small networks, against double precision on the CPU.
    Doctor(DoctorArgs),
    /// Measure a saved point: trace, eigenvalues, spectral density, gradient, smoothness along the gradient.
    Spectrum(Box<SpectrumArgs>),
}

/// A method whose fixed step size can be tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tunable {
    Sam,
    Gd,
}

impl Tunable {
    /// Its name in a grid.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sam => "sam",
            Self::Gd => "gd",
        }
    }
}

/// What makes a step size the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// The lowest training loss after the last step.
    Loss,
    /// The highest test accuracy after the last step.
    Accuracy,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Find the best step size of SAM or gradient descent for every data set, network and loss of a grid: \
        a short run of each candidate with the grid's first seed, in results/tune-<grid>/. Prints all of them and \
        merges the best, with the others beside it, into a file from which a grid takes it with \
        { name = \"sam\", step_size = \"tuned\" }.",
    after_help = "Finished runs are skipped when the command is given again. A run that diverged or failed is never \
        the best.\n\n\
        Exit code: 0 every step size chosen, 1 some not, 2 wrong usage or configuration, 130 interrupted."
)]
pub struct TuneArgs {
    /// The method; the other options are those that the grid names it with.
    #[arg(value_name = "METHOD")]
    pub method: Tunable,
    /// Step sizes to try. Default: 1e-4,1e-3,1e-2,1e-1 for sam, as in the paper; 0.01,0.1,1,10 for gd.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub step_sizes: Vec<f64>,
    /// Iterations of each run, in place of the grid's.
    #[arg(long, value_name = "N", default_value = "100")]
    pub iterations: NonZeroU64,
    /// What makes a step size the best.
    #[arg(long, value_name = "WHAT", default_value = "loss")]
    pub by: Criterion,
    /// The file for the step sizes; entries of other problems in it are kept.
    #[arg(short, long, value_name = "FILE", default_value = crate::tune::DEFAULT)]
    pub output: PathBuf,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Measure a saved point, without training: the trace and the density of the Hessian's spectrum, its \
        eigenvalues of largest magnitude and how well they pair, the gradient's norm by parameter, dead activations, \
        and the smoothness along the gradient. Prints tables; writes spectrum.json and spectrum.svg."
)]
pub struct SpectrumArgs {
    /// The file with the weights, under PyTorch's names: a run's weights.safetensors, or a .pt file.
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The data set of the loss.
    #[arg(long, value_name = "NAME")]
    pub dataset: Dataset,
    /// The network: a name, or a table as in a grid, '{ name = "cnn", channels = [16, 16] }'.
    #[arg(long, value_name = "NETWORK")]
    pub network: String,
    /// The loss: mse or cross-entropy.
    #[arg(long, default_value = "mse", value_name = "LOSS")]
    pub loss: String,
    /// Training samples, class by class, chosen by the seed as in a run.
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub samples: usize,
    /// In place of --samples: the first so many of each class, in the order of the files.
    #[arg(long, value_name = "N", conflicts_with = "samples")]
    pub first_per_class: Option<usize>,
    /// The seed of the samples and of everything random in the measurements.
    #[arg(long, default_value_t = 42, value_name = "SEED")]
    pub seed: u64,
    /// Samples that go through the network together.
    #[arg(long, value_name = "N")]
    pub chunk: Option<usize>,
    /// How many eigenvalues of largest magnitude.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub eigenvalues: usize,
    /// How many of the smallest eigenvalues: the most negative ones.
    #[arg(long, default_value = "5", value_name = "N")]
    pub smallest: NonZeroUsize,
    /// Random vectors for the density.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub probes: usize,
    /// Lanczos steps from each.
    #[arg(long, default_value_t = 80, value_name = "N")]
    pub steps: usize,
    /// Where to compute.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32")]
    pub dtype: FloatType,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Folder for what is written; that of the weights if not given.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

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
    /// The loss to be reached. Default: the worst final loss among the runs.
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
        each run. Runs of other methods than the figure's are not drawn. SVG is print quality at any size.\n\n\
        What cannot be read is named and left out.",
    after_help = "For instance:\n  \
        experiments plot results/fig1 --figure fig1\n  \
        experiments plot results --figure fig3 --output figures/fig3.svg\n  \
        experiments plot results/quick --figure all --seed 7\n\n\
        Exit code: 0 figure drawn, 2 no run for it, or wrong usage."
)]
pub struct PlotArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Which figure.
    #[arg(long, value_name = "FIGURE", default_value = "fig1")]
    pub figure: PaperFigure,
    /// The seed of the runs drawn. Default: the least.
    #[arg(long, value_name = "SEED")]
    pub seed: Option<u64>,
    /// The file. Default: in RESULTS, with the name of the figure.
    #[arg(short, long, value_name = "FILE.svg")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Check a device: every operator's value, tangent, gradient and Hessian product, and those of small \
        networks, against the same numbers in double precision on flex.\n\n\
        Graphics drivers and generated kernels can be wrong without a word. A run on wgpu or cuda is preceded by this \
        check, once for every device and build; its verdict is kept in the results folder and in run.json.\n\n\
        Exit code: 0 sound, 1 not sound, 2 the device cannot be used."
)]
pub struct DoctorArgs {
    /// The device to check.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32")]
    pub dtype: FloatType,
}

#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "A grid file is TOML, for instance:\n\n  \
    datasets = [\"cifar10\", \"svhn\"]\n  \
    networks = [\"mlp\", { name = \"cnn\", channels = [16, 16] }]\n  \
    methods = [\"nls\", \"nls-ub\", { name = \"gd\", step_size = 0.5 }]\n  \
    losses = [\"mse\"]\n  \
    seeds = [42]\n  \
    iterations = 500\n  \
    samples = 5000\n\n\
    Finished runs are skipped when the command is given again.\n\n\
    Exit code: 0 all runs done, 1 some diverged, stalled or failed, 2 wrong usage or configuration, 130 interrupted.")]
pub struct RunArgs {
    /// A grid file (TOML). Without one, the quick preset.
    #[arg(value_name = "GRID.toml", conflicts_with = "preset")]
    pub grid: Option<PathBuf>,
    /// A grid that comes with the program.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(crate::presets::names()))]
    pub preset: Option<String>,
    /// The size of a preset of the paper's figures (fig1 to fig4) and appendices (appD, appE, appF, appG, appH, appJ).
    #[arg(
        long,
        value_name = "SCALE",
        default_value = "paper",
        conflicts_with = "grid"
    )]
    pub scale: Scale,
    /// Replace a key of the grid, in TOML: --set iterations=100 --set 'methods=["nls"]'
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Keep only some cells: --only network=mlp --only method=ls,nls
    #[arg(long, value_name = "KEY=VALUE")]
    pub only: Vec<String>,
    /// Where to compute; auto takes a GPU if there is a real one and this program was built for it, else flex.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// Float type of parameters and data.
    #[arg(long, value_name = "DTYPE")]
    pub dtype: Option<FloatType>,
    /// Samples that go through a network together; auto takes as many as --memory allows. Default: per network.
    #[arg(long, value_name = "auto|N")]
    pub chunk: Option<Chunk>,
    /// Memory that a run may take, such as 12GB or 8GiB. Default: three quarters of what the device has.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// Runs made side by side, which share the threads of the CPU. Default: one for each thread if there are more runs
    /// than threads and memory for all, else one; on a GPU one.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Folder that holds the data sets, one folder each.
    #[arg(long, default_value = "datasets", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Folder for what the runs write.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// Run on a device that the doctor found unsound.
    #[arg(long)]
    pub despite_doctor: bool,
    /// Print the runs that would be made, with their parameters, arithmetic and memory, and make none.
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: time one chunk of every network on the device, and say how long the grid would take.
    #[arg(long, requires = "dry_run")]
    pub estimate: bool,
}

impl RunArgs {
    /// Whether the grid is the quick preset.
    pub fn is_quick(&self) -> bool {
        self.grid.is_none() && self.preset.as_deref().unwrap_or("quick") == "quick"
    }
}
