//! `experiments report`: a results folder as a page.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use flatland_report::page;
use tracing::warn;

use crate::exit::Ending;
use crate::terminal::show;

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

/// `experiments report`
pub fn run(arguments: &ReportArgs) -> Result<Ending> {
    let path = page::write(&arguments.results, arguments.output.as_deref())?;
    show!("report: {}", path.display());
    if arguments.open
        && let Err(error) = open::that_detached(&path)
    {
        warn!("no program was found to open it with ({error}): open the file in a browser");
    }
    Ok(Ending::Success)
}
