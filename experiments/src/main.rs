//! The `experiments` program.

mod allocator;
mod cli;
mod commands;
mod estimate;
mod exit;
mod grid_run;
mod program;
mod serve;
mod terminal;
mod watch;

fn main() -> std::process::ExitCode {
    cli::main()
}
