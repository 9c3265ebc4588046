//! `experiments serve`: the page of a running grid for browsers on this machine.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use flatland_runner::signals;
use tracing::warn;

use crate::exit::Ending;
use crate::serve::{Audience, address, serve};
use crate::terminal::show;

/// Where `experiments serve` listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 8642;

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

/// `experiments serve`
///
/// # Errors
///
/// RESULTS is no folder, or the port cannot be had.
pub fn run(arguments: &ServeArgs) -> Result<Ending> {
    let ServeArgs {
        results,
        port,
        host,
        open,
    } = arguments;
    ensure!(
        results.is_dir() || !results.exists(),
        "{} is no folder: give the one that `experiments run` writes to, such as results/quick",
        results.display()
    );
    let listener = TcpListener::bind((*host, *port)).with_context(|| {
        format!(
            "cannot listen on {}: --port 0 takes any that is free",
            SocketAddr::new(*host, *port)
        )
    })?;
    let bound = listener.local_addr()?;
    let audience = if host.to_canonical().is_loopback() {
        Audience::Local
    } else {
        Audience::All
    };
    if audience == Audience::All {
        warn!(
            "--host {host}: anybody who can reach this machine's port {} can read {}",
            bound.port(),
            results.display()
        );
    }
    signals::end_at_once(0)?;
    let address = address(bound);
    show!(
        "serving {} at {address} (Ctrl-C ends it)",
        results.display()
    );
    if *open && let Err(error) = open::that_detached(&address) {
        warn!("no program was found to open it with ({error}): open {address} in a browser");
    }
    serve(&listener, results, audience)
}
