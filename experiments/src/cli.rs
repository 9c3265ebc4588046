//! The command line.

mod live;
mod manage;
mod measure;
mod results;
mod run;
mod tune;

use clap::{Parser, Subcommand};

pub use live::{ServeArgs, WatchArgs};
pub use manage::{CellArgs, CleanArgs, MakingArgs, Minutes, ResumeArgs, StatusArgs};
pub use measure::{DataArgs, DoctorArgs, SpectrumArgs};
pub use results::{CheckArgs, CompareArgs, ExportArgs, PlotArgs, ReportArgs, TableArgs};
pub use run::RunArgs;
pub use tune::{Criterion, Tunable, TuneArgs};

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
        experiments status                       how far the runs are\n  \
        experiments report results/quick --open  a finished or running grid as a page\n  \
        experiments watch results/quick          a running grid in another terminal\n  \
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
    /// Say how far the runs in a folder are, and who makes them.
    Status(StatusArgs),
    /// Go on with unfinished runs, from their directories alone.
    Resume(ResumeArgs),
    /// List unfinished runs, and remove those that are asked for.
    Clean(CleanArgs),
    /// List the data sets: found or not, where, how many samples, and whether their files are the official ones.
    Data(DataArgs),
    /// Hold finished runs against what the paper says, claim by claim.
    Check(CheckArgs),
    /// Make a page of finished or running grids: tables, figures, claims, how to make each run again.
    Report(ReportArgs),
    /// Watch a running grid in the terminal: states, losses, sharpness, time left.
    Watch(WatchArgs),
    /// Serve the page of a running grid on this machine, following what is recorded.
    Serve(ServeArgs),
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
    /// Make one cell of a grid; how this program starts itself.
    #[command(hide = true)]
    Cell(CellArgs),
}
