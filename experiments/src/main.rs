//! The `experiments` program: grids of runs, their records, tables and pictures.

mod allocator;
mod batches;
mod cell;
mod check;
mod checkpoint;
mod cli;
mod compare;
mod data;
mod device;
mod diagnostics;
mod doctor;
mod export;
mod figure;
mod finished;
mod grid;
mod jobs;
mod memory;
mod method;
mod page;
mod plan;
mod plot;
mod presets;
mod progress;
mod records;
mod report;
mod run;
mod sam_steps;
mod serve;
mod session;
mod spectrum;
mod summary;
mod table;
mod tune;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use cli::{Cli, Command};
use session::Ending;

/// Exit code of wrong usage or configuration.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    allocator::keep_memory();
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .with_target(false)
        .without_time()
        .init();
    let result = match cli.command {
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::Tune(arguments)) => {
            interruptible().and_then(|interrupted| tune::run(&arguments, &interrupted))
        }
        Some(Command::Data(arguments)) => data::list(&arguments),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Report(arguments)) => page::run(&arguments),
        Some(Command::Watch(arguments)) => watch::run(&arguments),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Table(arguments)) => table::run(&arguments),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Plot(arguments)) => plot::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Spectrum(arguments)) => spectrum::run(&arguments),
        None => run(&cli.run),
    };
    match result {
        Ok(ending) => ExitCode::from(ending as u8),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

fn run(arguments: &cli::RunArgs) -> anyhow::Result<Ending> {
    session::run(arguments, &*interruptible()?)
}

/// A flag that the user raises with Ctrl-C; the second time ends the program.
fn interruptible() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Ending::Interrupted as i32);
        }
        eprintln!("\nfinishing the iteration; press Ctrl-C again to stop at once");
    })?;
    Ok(interrupted)
}
