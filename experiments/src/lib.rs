//! The `experiments` program: grids of runs, their records, tables and pictures.
//!
//! It is a library for its own fuzz targets only; the binary calls [`main`].

mod allocator;
mod batches;
mod cell;
mod check;
mod checkpoint;
mod clean;
mod cli;
mod compare;
mod data;
mod device;
mod diagnostics;
mod disk;
mod doctor;
mod export;
mod figure;
mod finished;
#[doc(hidden)]
pub mod fuzzing;
mod grid;
mod jobs;
mod lock;
mod making;
mod memory;
mod method;
mod page;
mod plan;
mod plot;
mod presets;
mod progress;
mod records;
mod report;
mod resume;
mod run;
mod sam_steps;
mod say;
mod serve;
mod session;
mod signals;
mod spectrum;
mod status;
mod summary;
mod table;
mod tune;
mod watch;
mod words;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use clap::Parser;

use cli::{Cli, Command};
use say::say;
use session::Ending;
use signals::Stop;

/// Exit code of wrong usage or configuration.
const USAGE: u8 = 2;

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
    if let Err(error) = signals::outlive_file_limits() {
        tracing::warn!("a limit of the size of files ends the program: {error:#}");
    }
    let result = match cli.command {
        Some(Command::Run(arguments)) => stoppable(|flag| session::run(&arguments, flag)),
        Some(Command::Tune(arguments)) => stoppable(|flag| tune::run(&arguments, flag)),
        Some(Command::Resume(arguments)) => stoppable(|flag| resume::run(&arguments, flag)),
        Some(Command::Status(arguments)) => code(status::run(&arguments)),
        Some(Command::Clean(arguments)) => code(clean::run(&arguments)),
        Some(Command::Data(arguments)) => code(data::list(&arguments)),
        Some(Command::Check(arguments)) => code(check::run(&arguments)),
        Some(Command::Report(arguments)) => code(page::run(&arguments)),
        Some(Command::Watch(arguments)) => code(watch::run(&arguments)),
        Some(Command::Serve(arguments)) => code(serve::run(&arguments)),
        Some(Command::Table(arguments)) => code(table::run(&arguments)),
        Some(Command::Compare(arguments)) => code(compare::run(&arguments)),
        Some(Command::Export(arguments)) => code(export::run(&arguments)),
        Some(Command::Plot(arguments)) => code(plot::run(&arguments)),
        Some(Command::Doctor(arguments)) => code(doctor::run(&arguments)),
        Some(Command::Spectrum(arguments)) => code(spectrum::run(&arguments)),
        Some(Command::Cell(arguments)) => code(making::child::run(&arguments)),
        None => stoppable(|flag| session::run(&cli.run, flag)),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say!("error: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

/// The exit code of a command that stops in good order when a signal asks for it.
fn stoppable(command: impl FnOnce(&AtomicBool) -> anyhow::Result<Ending>) -> anyhow::Result<u8> {
    let stop = Stop::listen()?;
    Ok(match command(stop.flag())? {
        Ending::Interrupted => stop.exit_code(),
        ending => ending as u8,
    })
}

fn code(result: anyhow::Result<Ending>) -> anyhow::Result<u8> {
    result.map(|ending| ending as u8)
}
