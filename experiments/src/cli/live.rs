//! Arguments of the commands that follow a running grid.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

/// Where `experiments serve` listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8642;

#[derive(Debug, Args)]
#[command(
    long_about = "Watch a grid in the terminal while it runs: every cell with its state, iterations made, loss and \
        sharpness over time, η·λ₁ against 2, and the time left; of the selected cell a chart, its last numbers and \
        the reason if it failed.\n\n\
        It only reads the records that a run leaves, so it can be started in another terminal, stopped and started at \
        will, before, during and after the runs. Cells that have not begun leave no record and are not listed. Folders \
        that cannot be read are named.\n\n\
        Keys: ↑ ↓ (or k j), PgUp, PgDn, Home, End select a cell; Tab, ← and → change the chart: loss, λ₁, η·λ₁, η; q, Esc or \
        Ctrl-C quit. Without a terminal, as in a pipe, it prints one table and ends. NO_COLOR is respected.",
    after_help = "For instance:\n  \
        experiments watch                       everything in results/\n  \
        experiments watch results/fig1          one grid, also before it is begun\n  \
        experiments watch results/fig1 --once   its state now, as plain text\n  \
        ssh machine experiments watch results/fig1 --once\n\n\
        Exit code: 0 ended by you, or table printed; 2 RESULTS is no folder, or cannot be read."
)]
pub struct WatchArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// Print one table and end, on a terminal too.
    #[arg(long)]
    pub once: bool,
    /// Seconds between two looks at the records.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
}

#[derive(Debug, Args)]
#[command(
    long_about = "Serve the page of `experiments report` on this machine, following a running grid: a browser that has \
        it open is shown new rows as they are recorded, and keeps its zoom, filters and sorting.\n\n\
        Only this machine can reach it, unless --host says otherwise: then anybody who can reach the port can read \
        the results. It serves the page and the files of the runs in RESULTS, changes nothing, and makes the page again \
        only after the records have changed. It can be started before the first run.",
    after_help = "For instance:\n  \
        experiments serve results/fig1 --open          one grid, shown in the browser\n  \
        experiments serve --port 0                     everything in results/, on any free port; it prints which\n  \
        ssh -L 8642:localhost:8642 machine experiments serve results/fig1\n                                                 \
        a grid on another machine: open http://localhost:8642 here\n\n\
        Ctrl-C ends it. Exit code: 0 ended by Ctrl-C, 2 RESULTS is no folder, or the port cannot be had."
)]
pub struct ServeArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
    /// The port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    pub port: u16,
    /// The address to listen on. Any but 127.0.0.1 and ::1 lets others read the results.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Show the page in the browser.
    #[arg(long)]
    pub open: bool,
}
