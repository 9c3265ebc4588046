//! How much of a device's memory runs may take.

use std::fmt;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::device::FoundDevice;

/// The memory that runs may take.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Budget {
    pub(super) bytes: u64,
    /// Whether the user has stated it. A run that does not fit is refused then; otherwise there is a warning.
    pub(super) is_stated: bool,
}

/// The stated budget, or three quarters of the memory of the device. `None` if neither is known.
pub fn budget(stated: Option<ByteSize>, device: &FoundDevice) -> Option<Budget> {
    match stated {
        Some(size) => Some(Budget {
            bytes: size.as_u64(),
            is_stated: true,
        }),
        None => device.memory.map(|bytes| Budget {
            bytes: bytes / 4 * 3,
            is_stated: false,
        }),
    }
}

impl Budget {
    /// A budget that the user has stated.
    #[cfg(test)]
    pub fn stated(bytes: u64) -> Self {
        Self {
            bytes,
            is_stated: true,
        }
    }

    /// The budget of each of `runs` runs at the same time.
    pub fn share(self, runs: usize) -> Self {
        Self {
            bytes: self.bytes / runs as u64,
            ..self
        }
    }

    /// Bytes of resident memory at which a run is ended, if the user has stated the budget: one and a half times the
    /// budget, since needs are estimates, and 256 MB, which any process may take.
    pub fn hard_limit(self) -> Option<u64> {
        const ANY_PROCESS: u64 = 256_000_000;
        (self.is_stated).then(|| {
            (self.bytes / 2)
                .saturating_add(self.bytes)
                .saturating_add(ANY_PROCESS)
        })
    }

    /// Whether `bytes` bytes are within the budget.
    pub fn holds(self, bytes: u64) -> bool {
        bytes <= self.bytes
    }
}

/// A number of bytes for a reader, such as `1.2 GB`.
pub(super) fn size(bytes: u64) -> impl fmt::Display {
    ByteSize::b(bytes).display().si()
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.is_stated {
            "--memory allows"
        } else {
            "three quarters of the device's memory are"
        };
        write!(f, "{whose} {}", size(self.bytes))
    }
}
