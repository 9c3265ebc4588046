//! `experiments check`: what the paper says, and what finished runs show.

mod claims;

use anyhow::Result;

use crate::cell::CellConfig;
use crate::cli::CheckArgs;
use crate::finished;
use crate::grid::loss_name;
use crate::report::FinishedRun;
use crate::session::Ending;

/// What runs show of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Holds,
    DoesNot,
    NotMeasured,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::DoesNot => "does NOT hold",
            Self::NotMeasured => "not measured",
        })
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        match holds {
            true => Self::Holds,
            false => Self::DoesNot,
        }
    }
}

/// A claim on one run, or on runs that differ in their method only, with the numbers it is judged by.
#[derive(Debug, Clone, PartialEq)]
struct Finding {
    method: String,
    verdict: Verdict,
    numbers: String,
}

/// Runs that differ in their method only.
struct Group<'a> {
    runs: Vec<&'a FinishedRun>,
}

impl Group<'_> {
    fn name(&self) -> String {
        let CellConfig {
            dataset,
            network,
            loss,
            seed,
            mini_batches,
            ..
        } = &self.runs[0].config;
        let samples = self.runs[0].config.samples;
        let batches = match mini_batches {
            None => String::new(),
            Some(batches) => format!(" in batches of {}", batches.batch_size),
        };
        format!(
            "{dataset} × {} ({}, {samples} samples{batches}, seed {seed})",
            network.name(),
            loss_name(*loss)
        )
    }

    /// The run of a method, the first of several with other options.
    fn of(&self, method: &str) -> Option<&FinishedRun> {
        (self.runs.iter().copied()).find(|run| run.config.method.name() == method)
    }
}

/// `experiments check`
pub fn run(arguments: &CheckArgs) -> Result<Ending> {
    let runs = finished::read_runs(&arguments.results)?;
    let mut groups: Vec<Group<'_>> = Vec::new();
    for run in &runs {
        match (groups.iter_mut()).find(|group| group.runs[0].config.is_peer(&run.config)) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group { runs: vec![run] }),
        }
    }
    println!(
        "{} runs on {} problems in {}",
        runs.len(),
        groups.len(),
        arguments.results.display()
    );
    for claim in claims::ALL {
        println!("\n{}\n  {}", claim.title, claim.paper);
        let mut counts = [0; 3];
        for group in &groups {
            for Finding {
                method,
                verdict,
                numbers,
            } in (claim.judge)(group)
            {
                counts[verdict as usize] += 1;
                println!("    {verdict:<14} {}, {method}: {numbers}", group.name());
            }
        }
        let [holds, does_not, not_measured] = counts;
        match holds + does_not {
            0 => println!("  => not measured by these runs"),
            judged => println!("  => holds in {holds} of {judged}, not measured in {not_measured}"),
        }
    }
    Ok(Ending::Success)
}
