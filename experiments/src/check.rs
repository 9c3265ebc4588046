//! `experiments check`: what the paper says, and what finished runs show.

mod claims;

use anyhow::Result;

use crate::cell::CellConfig;
use crate::cli::CheckArgs;
use crate::finished;
use crate::grid::loss_name;
use crate::report::FinishedRun;
use crate::session::Ending;
use crate::words::counted;

/// What runs show of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
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

/// What runs show of one claim.
pub struct Judged {
    pub title: &'static str,
    /// What the paper says, and when it counts as seen.
    pub paper: &'static str,
    /// What each run or pair of runs shows: the problem, the methods, the verdict and its numbers.
    pub findings: Vec<(String, String, Verdict, String)>,
}

impl Judged {
    /// How often the claim holds, does not, and was not measured.
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for (_, _, verdict, _) in &self.findings {
            counts[*verdict as usize] += 1;
        }
        counts
    }

    /// The counts in words.
    pub fn summary(&self) -> String {
        let [holds, does_not, not_measured] = self.counts();
        match holds + does_not {
            0 => "not measured by these runs".to_owned(),
            judged => format!("holds in {holds} of {judged}, not measured in {not_measured}"),
        }
    }
}

/// Holds runs against every claim. A run without an iteration shows nothing, and has to be left out.
pub fn judge(runs: &[&FinishedRun]) -> Vec<Judged> {
    let groups = groups(runs);
    let judged = |claim: &claims::Claim| Judged {
        title: claim.title,
        paper: claim.paper,
        findings: (groups.iter())
            .flat_map(|group| {
                let name = group.name();
                let findings = (claim.judge)(group).into_iter();
                findings.map(
                    move |Finding {
                              method,
                              verdict,
                              numbers,
                          }| (name.clone(), method, verdict, numbers),
                )
            })
            .collect(),
    };
    claims::ALL.iter().map(judged).collect()
}

fn groups<'a>(runs: &[&'a FinishedRun]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for &run in runs {
        match (groups.iter_mut()).find(|group| group.runs[0].config.is_peer(&run.config)) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group { runs: vec![run] }),
        }
    }
    groups
}

/// `experiments check`
pub fn run(arguments: &CheckArgs) -> Result<Ending> {
    let runs = finished::read(&arguments.results)?;
    let runs: Vec<&FinishedRun> = runs.iter().filter(|run| run.has_begun()).collect();
    println!(
        "{} on {} in {}",
        counted(runs.len(), "run"),
        counted(groups(&runs).len(), "problem"),
        arguments.results.display()
    );
    for claim in judge(&runs) {
        println!("\n{}\n  {}", claim.title, claim.paper);
        for (group, method, verdict, numbers) in &claim.findings {
            println!("    {verdict:<14} {group}, {method}: {numbers}");
        }
        println!("  => {}", claim.summary());
    }
    Ok(Ending::Success)
}
