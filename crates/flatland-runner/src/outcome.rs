//! The result of a run.
//!
//! It is a value, not an error: nothing that happens to one run ends the others.

use std::fmt;

use flatland_config::Status;
use flatland_records::{Owner, RunFile};
use serde::{Deserialize, Serialize};

/// The result of making a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// The run was made, and ended.
    Ended {
        /// How it ended.
        status: Status,
        /// Why, unless it is done.
        reason: Option<String>,
    },
    /// The run was already finished.
    Finished(Status),
    /// Another process makes the run.
    OwnedByOther(Option<Owner>),
}

impl RunOutcome {
    /// A run that failed.
    pub fn failed(reason: String) -> Self {
        Self::Ended {
            status: Status::Failed,
            reason: Some(reason),
        }
    }

    /// Whether the run has ended, now or earlier, without reaching what it was asked for.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Ended { status, .. } | Self::Finished(status) => !status.is_success(),
            Self::OwnedByOther(_) => false,
        }
    }
}

impl From<RunFile> for RunOutcome {
    fn from(file: RunFile) -> Self {
        Self::Ended {
            status: file.status,
            reason: file.reason,
        }
    }
}

impl fmt::Display for RunOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended {
                status,
                reason: Some(reason),
            } => write!(f, "{status}: {reason}"),
            Self::Ended { status, .. } => write!(f, "{status}"),
            Self::Finished(status) => write!(f, "skipped: already {status}"),
            Self::OwnedByOther(Some(owner)) => write!(f, "skipped: {owner} is making it"),
            Self::OwnedByOther(None) => f.write_str("skipped: another process is making it"),
        }
    }
}
