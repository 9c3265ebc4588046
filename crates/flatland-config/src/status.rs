//! The states of a run.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Status {
    /// The run is under way.
    Running,
    /// The process of the run ended without recording a state. A reader finds it; nobody writes it.
    Killed,
    /// All iterations, or epochs, were made.
    Done,
    /// The run ended early: the gradient or the loss fell below its threshold.
    Converged,
    /// The run ended early: the loss or the gradient at `w_k` is not finite.
    Diverged,
    /// The run ended early: the search found no acceptable step size, or the curvature gave none.
    Stalled,
    /// An error or a panic ended the run.
    Failed,
    /// The user, a time limit or a signal stopped the run.
    Interrupted,
    /// A state that a newer version of this program wrote.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Whether running the same configuration again would only repeat what is recorded.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Converged | Self::Diverged | Self::Stalled
        )
    }

    /// Whether the run reached what it was asked for.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Done | Self::Converged)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.into())
    }
}
