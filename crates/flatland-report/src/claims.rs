//! The paper's claims, and what finished runs show of them.

mod judge;
mod paper;

use flatland_records::RunRecords;

use crate::summary::peers;
use judge::PeerGroup;

pub use judge::{ClaimFinding, ClaimVerdict};

/// A claim with what runs show of it.
pub struct JudgedClaim {
    /// The claim.
    pub title: &'static str,
    /// What the paper says, and when it counts as seen.
    pub paper: &'static str,
    /// What each run or pair of runs shows, with its problem.
    pub findings: Vec<(String, ClaimFinding)>,
}

impl JudgedClaim {
    /// How often the claim holds, does not, and was not measured.
    pub fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for (_, finding) in &self.findings {
            counts[finding.verdict as usize] += 1;
        }
        counts
    }

    /// The counts as text.
    pub fn summary(&self) -> String {
        let [holds, does_not, not_measured] = self.counts();
        match holds + does_not {
            0 => "not measured by these runs".to_owned(),
            judged => format!("holds in {holds} of {judged}, not measured in {not_measured}"),
        }
    }
}

/// Judges every claim by runs. Runs without an iteration show nothing and have to be left out.
pub fn judge(runs: &[&RunRecords]) -> Vec<JudgedClaim> {
    let groups = groups(runs);
    let judged = |claim: &paper::Claim| JudgedClaim {
        title: claim.title,
        paper: claim.paper,
        findings: (groups.iter())
            .flat_map(|group| {
                let name = group.name();
                let findings = (claim.judge)(group).into_iter();
                findings.map(move |finding| (name.clone(), finding))
            })
            .collect(),
    };
    paper::ALL.iter().map(judged).collect()
}

/// The number of problems among runs: of groups that differ in their method only.
pub fn problem_count(runs: &[&RunRecords]) -> usize {
    groups(runs).len()
}

fn groups<'a>(runs: &[&'a RunRecords]) -> Vec<PeerGroup<'a>> {
    let groups = peers(runs.iter().copied()).into_iter();
    groups.map(|runs| PeerGroup { runs }).collect()
}
