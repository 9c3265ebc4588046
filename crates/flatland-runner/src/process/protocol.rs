//! What the process of a run reads and writes.

use flatland_records::DoctorVerdict;
use serde::{Deserialize, Serialize};

use crate::memory::Budget;
use crate::observer::Progress;
use crate::outcome::RunOutcome;
use crate::run::CheckpointPolicy;

/// What the process of a run reads first, in one line. The rest is among its arguments.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The run's `config.toml`.
    pub config: String,
    /// The memory that the run may take.
    pub share: Option<Budget>,
    /// What the doctor found about the device.
    pub verdict: Option<DoctorVerdict>,
    /// How the run keeps its state.
    pub checkpoints: CheckpointPolicy,
}

/// What the process of a run writes, each in one line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// How far the run is.
    Progress(Progress),
    /// A remark for the user.
    Output(String),
    /// The result. The last message.
    Ended(RunOutcome),
}
