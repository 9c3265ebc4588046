//! Where the numbers of a run come from, and which process makes them.

use serde::{Deserialize, Serialize};

/// A process that writes in the directory of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process number on its machine.
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
    /// The version of the program.
    pub version: String,
    /// The commit it was built from, with `-dirty` if files had been changed.
    pub git_commit: String,
    /// The device that computed.
    pub device: String,
    /// What the doctor found about the device, if it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doctor: Option<DoctorVerdict>,
    /// Threads of a CPU device.
    pub threads: usize,
    /// Number of parameters of the network, once it is built.
    pub parameters: Option<u64>,
    /// Number of training samples used. Stratification may round it down.
    pub train_samples: Option<u64>,
    /// Number of test samples.
    pub test_samples: Option<u64>,
    /// The data files with their SHA-256 sums.
    pub data: Vec<DataFile>,
    /// The BLAKE3 sum of the file with initial weights, if one was given.
    pub initial_weights: Option<String>,
}

impl Provenance {
    /// The provenance of a run whose data and network are not loaded yet.
    pub fn new(program: &Program, device: String, threads: usize) -> Self {
        Self {
            version: program.version.clone(),
            git_commit: program.git_commit.clone(),
            device,
            doctor: None,
            threads,
            parameters: None,
            train_samples: None,
            test_samples: None,
            data: Vec::new(),
            initial_weights: None,
        }
    }
}

/// The program that makes runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The commit it was built from, with `-dirty` if files had been changed.
    pub git_commit: String,
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.version, self.git_commit)
    }
}

/// What the doctor found about a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoctorVerdict {
    /// Whether every check passed.
    pub sound: bool,
    /// Checks made.
    pub checks: usize,
    /// The checks that failed, each with its reason.
    pub failed: Vec<String>,
    /// The operator with the largest relative error, and that error.
    pub worst_operator: (String, f64),
    /// The network with the largest relative error, and that error.
    pub worst_network: (String, f64),
    /// The device examined, and how the program was built.
    pub device: String,
    /// Version and commit of the program that examined it.
    pub program: String,
    /// When.
    pub examined: jiff::Timestamp,
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
