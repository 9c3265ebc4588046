//! The command line: the list of commands.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use flatland_runner::signals;
use flatland_runner::stop::StopToken;

use crate::allocator;
use crate::commands::grid_args::GridArgs;
use crate::commands::{
    cell, check, clean, compare, data, doctor, export, plot, report, resume, run, serve, spectrum,
    status, table, tune, watch,
};
use crate::exit::{Ending, USAGE};
use crate::terminal::say;

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
        experiments                              the quick preset, about a minute on two cores\n  \
        experiments data                         which data sets are found, and where to get the others\n  \
        experiments run --preset paper --dry-run what the paper's grid would take\n  \
        experiments run my.toml --device wgpu    your own grid on a GPU\n  \
        experiments status                       how far the runs are\n  \
        experiments report results/quick --open  a finished or running grid as a page\n  \
        experiments watch results/quick          a running grid in another terminal\n  \
        experiments doctor --device wgpu         whether that GPU computes what it should",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    grid: GridArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a grid: data sets × networks × methods × losses × seeds.
    Run(Box<GridArgs>),
    /// Find the best step size of SAM or gradient descent for every data set, network and loss of a grid.
    Tune(Box<tune::TuneArgs>),
    /// Say how far the runs in a folder are, and who makes them.
    Status(status::StatusArgs),
    /// Resume unfinished runs, from their directories alone.
    Resume(resume::ResumeArgs),
    /// List unfinished runs, and remove those that are asked for.
    Clean(clean::CleanArgs),
    /// List the data sets: found or not, where, how many samples, and whether their files are the official ones.
    Data(data::DataArgs),
    /// Hold finished runs against what the paper says, claim by claim.
    Check(check::CheckArgs),
    /// Make a page of finished or running grids: tables, figures, claims, how to make each run again.
    Report(report::ReportArgs),
    /// Watch a running grid in the terminal: states, losses, sharpness, time left.
    Watch(watch::WatchArgs),
    /// Serve the page of a running grid on this machine, following what is recorded.
    Serve(serve::ServeArgs),
    /// Show finished runs as a table: means and deviations over the seeds, for a terminal, Markdown, LaTeX or CSV.
    Table(table::TableArgs),
    /// Hold runs side by side: settings that differ, results, and when each reached a loss.
    Compare(compare::CompareArgs),
    /// Hand finished runs to other programs: TensorBoard, or Parquet for pandas and polars.
    Export(export::ExportArgs),
    /// Draw a figure of the paper from finished runs, several data sets and networks side by side.
    Plot(plot::PlotArgs),
    /// Check a device: every operator and small networks, against double precision on the CPU.
    Doctor(doctor::DoctorArgs),
    /// Measure a saved point: trace, eigenvalues, spectral density, gradient, smoothness along the gradient.
    Spectrum(Box<spectrum::SpectrumArgs>),
    /// Make one run of a grid; the program starts itself with it.
    #[command(hide = true)]
    Cell(cell::CellArgs),
}

/// The program.
pub fn main() -> ExitCode {
    allocator::keep_memory();
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::WARN)
        .with_target(false)
        .without_time()
        .log_internal_errors(false) // it would panic where nobody reads standard error any more
        .init();
    if let Err(error) = signals::survive_file_size_limits() {
        tracing::warn!("a limit of the size of files ends the program: {error:#}");
    }
    let stop = StopToken::new();
    match dispatch(&cli, &stop) {
        Ok(ending) => ExitCode::from(ending.code(&stop)),
        Err(error) => {
            say!("error: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

/// Runs the command.
fn dispatch(cli: &Cli, stop: &StopToken) -> anyhow::Result<Ending> {
    match &cli.command {
        None => stoppable(stop, |stop| run::run(&cli.grid, stop)),
        Some(Command::Run(arguments)) => stoppable(stop, |stop| run::run(arguments, stop)),
        Some(Command::Tune(arguments)) => stoppable(stop, |stop| tune::run(arguments, stop)),
        Some(Command::Resume(arguments)) => stoppable(stop, |stop| resume::run(arguments, stop)),
        Some(Command::Status(arguments)) => status::run(arguments),
        Some(Command::Clean(arguments)) => clean::run(arguments),
        Some(Command::Data(arguments)) => data::run(arguments),
        Some(Command::Check(arguments)) => check::run(arguments),
        Some(Command::Report(arguments)) => report::run(arguments),
        Some(Command::Watch(arguments)) => watch::run(arguments),
        Some(Command::Serve(arguments)) => serve::run(arguments),
        Some(Command::Table(arguments)) => table::run(arguments),
        Some(Command::Compare(arguments)) => compare::run(arguments),
        Some(Command::Export(arguments)) => export::run(arguments),
        Some(Command::Plot(arguments)) => plot::run(arguments),
        Some(Command::Doctor(arguments)) => doctor::run(arguments),
        Some(Command::Spectrum(arguments)) => spectrum::run(arguments),
        Some(Command::Cell(arguments)) => cell::run(arguments),
    }
}

/// Runs a command that a signal stops in good order.
fn stoppable(
    stop: &StopToken,
    command: impl FnOnce(&StopToken) -> anyhow::Result<Ending>,
) -> anyhow::Result<Ending> {
    signals::listen(stop, |signal| {
        say!("\n{signal}: stopping; press Ctrl-C again to stop at once");
    })?;
    command(stop)
}
