//! `experiments check`: what the paper says, and what finished runs show.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use flatland_records::RunRecords;
use flatland_records::folder::read_runs;
use flatland_records::text::counted;
use flatland_report::claims::{self, ClaimFinding};

use crate::exit::Ending;
use crate::terminal::show;

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A folder with runs, or with folders of runs.
    #[arg(default_value = "results", value_name = "RESULTS")]
    pub results: PathBuf,
}

/// `experiments check`
pub fn run(arguments: &CheckArgs) -> Result<Ending> {
    let runs = read_runs(&arguments.results)?;
    let runs: Vec<&RunRecords> = runs.iter().filter(|run| run.has_begun()).collect();
    show!(
        "{} on {} in {}",
        counted(runs.len(), "run"),
        counted(claims::problem_count(&runs), "problem"),
        arguments.results.display()
    );
    for claim in claims::judge(&runs) {
        show!("\n{}\n  {}", claim.title, claim.paper);
        for (problem, finding) in &claim.findings {
            let ClaimFinding {
                method,
                verdict,
                numbers,
            } = finding;
            show!("    {verdict:<14} {problem}, {method}: {numbers}");
        }
        show!("  => {}", claim.summary());
    }
    Ok(Ending::Success)
}
