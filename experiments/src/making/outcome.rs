//! What became of a cell.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::records::{Owner, RunFile, Status};

/// What became of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was made as far as this.
    Ended {
        status: Status,
        reason: Option<String>,
    },
    /// It was already finished.
    Finished(Status),
    /// Another process is making it.
    Elsewhere(Option<Owner>),
}

impl Outcome {
    /// A cell that came to no good end.
    pub fn failed(reason: String) -> Self {
        Self::Ended {
            status: Status::Failed,
            reason: Some(reason),
        }
    }

    /// Whether the cell has, by this process or an earlier one, not reached what it was asked for.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Ended { status, .. } | Self::Finished(status) => !status.is_success(),
            Self::Elsewhere(_) => false,
        }
    }
}

impl From<RunFile> for Outcome {
    fn from(file: RunFile) -> Self {
        Self::Ended {
            status: file.status,
            reason: file.reason,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended {
                status,
                reason: Some(reason),
            } => write!(f, "{status}: {reason}"),
            Self::Ended { status, .. } => write!(f, "{status}"),
            Self::Finished(status) => write!(f, "skipped: already {status}"),
            Self::Elsewhere(Some(owner)) => write!(f, "skipped: {owner} is making it"),
            Self::Elsewhere(None) => f.write_str("skipped: another process is making it"),
        }
    }
}
