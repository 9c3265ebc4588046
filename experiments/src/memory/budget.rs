//! What runs may take of a device's memory.

use std::fmt;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::size;
use crate::device::FoundDevice;

/// What a run may take.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Budget {
    pub(super) bytes: u64,
    /// Whether the user has named it. What does not fit is refused then, and otherwise only warned of.
    pub(super) is_stated: bool,
}

/// The stated budget, or three quarters of what the device has; nothing if neither is known.
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
    /// A budget that the user has named.
    #[cfg(test)]
    pub fn stated(bytes: u64) -> Self {
        Self {
            bytes,
            is_stated: true,
        }
    }

    /// What each of so many runs at the same time may take.
    pub fn share(self, runs: usize) -> Self {
        Self {
            bytes: self.bytes / runs as u64,
            ..self
        }
    }

    /// Bytes of resident memory that a run clearly must not take, of a budget that the user has named: half as much again,
    /// since needs are estimated, and what any process takes.
    pub fn hard_limit(self) -> Option<u64> {
        const ANY_PROCESS: u64 = 256_000_000;
        (self.is_stated).then(|| {
            (self.bytes / 2)
                .saturating_add(self.bytes)
                .saturating_add(ANY_PROCESS)
        })
    }

    /// Whether so many bytes are within it.
    pub fn holds(self, bytes: u64) -> bool {
        bytes <= self.bytes
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.is_stated {
            true => "--memory allows",
            false => "three quarters of the device's memory are",
        };
        write!(f, "{whose} {}", size(self.bytes))
    }
}
