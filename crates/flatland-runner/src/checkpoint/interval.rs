//! How often a checkpoint is written.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// After a number of iterations or a time, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointInterval {
    iterations: Option<NonZeroU64>,
    time: Option<Duration>,
}

impl CheckpointInterval {
    /// Whether a checkpoint is due, `iterations` and `time` after the last one.
    pub fn is_over(self, iterations: u64, time: Duration) -> bool {
        self.iterations.is_some_and(|most| iterations >= most.get())
            || self.time.is_some_and(|most| time >= most)
    }
}

impl FromStr for CheckpointInterval {
    type Err = String;

    /// Reads `100`, `5min` or `100,5min`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut interval = Self {
            iterations: None,
            time: None,
        };
        for part in text.split(',').map(str::trim) {
            let is_new = if part.chars().all(|digit| digit.is_ascii_digit()) {
                let iterations = part.parse().map_err(|_| problem(part))?;
                interval.iterations.replace(iterations).is_none()
            } else {
                let time: SignedDuration = part.parse().map_err(|_| problem(part))?;
                let time = Duration::try_from(time).map_err(|_| problem(part))?;
                if time.is_zero() {
                    return Err(problem(part));
                }
                interval.time.replace(time).is_none()
            };
            if !is_new {
                return Err(problem(text));
            }
        }
        Ok(interval)
    }
}

fn problem(text: &str) -> String {
    format!(
        "{text:?}: expected a number of iterations, at least 1, a time such as 30s, 5min or 1h, or both, such as 100,5min"
    )
}

impl fmt::Display for CheckpointInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iterations = self.iterations.map(|iterations| iterations.to_string());
        let time = self
            .time
            .and_then(|time| SignedDuration::try_from(time).ok());
        let time = time.map(|time| format!("{time:#}"));
        let parts: Vec<String> = iterations.into_iter().chain(time).collect();
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_and_written() {
        let over = |text: &str, iterations, seconds| {
            let interval: CheckpointInterval = text.parse().unwrap();
            assert_eq!(interval.to_string().parse(), Ok(interval), "{interval}");
            interval.is_over(iterations, Duration::from_secs(seconds))
        };
        assert!(over("100", 100, 0) && !over("100", 99, 9999));
        assert!(over("5min", 0, 300) && !over("5min", 9999, 299));
        assert!(over("30s", 0, 30) && over("1h", 0, 3600) && !over("1h", 0, 3599));
        assert!(over("10, 1min", 10, 0) && over("10,1min", 0, 60) && !over("10,1min", 9, 59));
        for wrong in ["", "0", "0s", "-5min", "often", "5,6", "1s,2s", "1.5"] {
            let problem = wrong.parse::<CheckpointInterval>().unwrap_err();
            assert!(problem.contains("such as 100,5min"), "{wrong}: {problem}");
        }
    }
}
