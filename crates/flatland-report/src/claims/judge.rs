//! What a claim is judged by.

use flatland_config::RunConfig;
use flatland_records::RunRecords;

/// The verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimVerdict {
    /// The claim holds.
    Holds,
    /// The claim does not hold.
    DoesNot,
    /// The runs do not tell.
    NotMeasured,
}

impl std::fmt::Display for ClaimVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::DoesNot => "does NOT hold",
            Self::NotMeasured => "not measured",
        })
    }
}

impl From<bool> for ClaimVerdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::DoesNot }
    }
}

/// What one run, or two runs that differ in their method only, show of a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimFinding {
    /// The method, or the two methods that are compared.
    pub method: String,
    /// The verdict.
    pub verdict: ClaimVerdict,
    /// The numbers that the verdict follows from.
    pub numbers: String,
}

/// Runs that differ in their method only.
pub(super) struct PeerGroup<'a> {
    pub runs: Vec<&'a RunRecords>,
}

impl PeerGroup<'_> {
    pub fn name(&self) -> String {
        let RunConfig {
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
            loss
        )
    }

    /// The run of a method, the first of several with other options.
    pub fn of(&self, method: &str) -> Option<&RunRecords> {
        (self.runs.iter().copied()).find(|run| run.config.method.name() == method)
    }
}
