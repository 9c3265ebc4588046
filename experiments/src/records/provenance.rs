//! Where the numbers of a run come from, and who makes them.

use serde::{Deserialize, Serialize};

use crate::doctor::Verdict;

/// A process that writes in a run's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number on that machine.
    pub pid: u32,
    /// The machine's name.
    pub host: String,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        Self {
            pid: std::process::id(),
            host: sysinfo::System::host_name().unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// Where the numbers of a run come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this program.
    pub version: String,
    /// Commit it was built from, with `-dirty` where files had been changed.
    pub git_commit: String,
    /// The device that computed.
    pub device: String,
    /// What the doctor says of the device, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doctor: Option<Verdict>,
    /// Threads of a CPU device.
    pub threads: usize,
    /// Number of parameters of the network, once it is built.
    pub parameters: Option<u64>,
    /// Number of training samples used, which stratification may round down.
    pub train_samples: Option<u64>,
    /// Number of test samples.
    pub test_samples: Option<u64>,
    /// The data files with their SHA-256 sums.
    pub data: Vec<DataFile>,
    /// BLAKE3 sum of the file with initial weights, where one was given.
    pub initial_weights: Option<String>,
}

impl Provenance {
    /// That of a run that has not come as far as its data and its network.
    pub fn of_this_program(device: String) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: env!("FLATLAND_GIT_COMMIT").to_owned(),
            device,
            doctor: None,
            threads: rayon::current_num_threads(),
            parameters: None,
            train_samples: None,
            test_samples: None,
            data: Vec::new(),
            initial_weights: None,
        }
    }
}

/// A file that samples were read from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path, or `embedded`.
    pub path: String,
    /// Its SHA-256 sum.
    pub sha256: String,
    /// Whether it is the official file, the subset that ships, or neither.
    pub state: String,
}
