//! Which diagnostics a run measures.

use serde::{Deserialize, Serialize};

/// The most eigenvalues that a run may measure. Each takes a column, and a vector of the network's size.
const MOST_EIGENVALUES: usize = 1000;

/// The early-phase diagnostics of a run (the paper's figure 2). The default is the paper's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosticsConfig {
    /// Iterations between two measurements.
    pub every: u64,
    /// The first iteration to measure at.
    pub from: u64,
    /// The last iteration at which a measurement may be made.
    pub to: u64,
    /// How many eigenvalues of largest magnitude. The pairing is judged on those after the first `K`, so there should
    /// be more of them than classes.
    pub eigenvalues: usize,
}

impl Default for DiagnosticsConfig {
    fn default() -> Self {
        Self {
            every: 2,
            from: 0,
            to: 100,
            eigenvalues: 20,
        }
    }
}

impl DiagnosticsConfig {
    /// What is wrong with the options, if anything is.
    pub fn problem(&self) -> Option<String> {
        if self.every == 0 || self.eigenvalues == 0 {
            return Some("every and eigenvalues are at least 1".to_owned());
        }
        if self.eigenvalues > MOST_EIGENVALUES {
            return Some(format!(
                "eigenvalues is at most {MOST_EIGENVALUES}, each with a vector of the network's size, but is {}",
                self.eigenvalues
            ));
        }
        (self.from > self.to).then(|| "from must not be above to".to_owned())
    }

    /// Whether a measurement is due at this iteration.
    pub fn is_due(&self, iteration: u64) -> bool {
        (self.from..=self.to).contains(&iteration)
            && (iteration - self.from).is_multiple_of(self.every)
    }

    /// Whether no measurement follows the one at this iteration.
    pub fn is_over(&self, iteration: u64) -> bool {
        iteration.saturating_add(self.every) > self.to
    }
}

/// Where the smoothness along the step is measured, and the step judged by Definition 2.3 of the paper: at these
/// iterations, if the run reaches them, and at its last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentConfig {
    /// The iterations.
    pub at: Vec<u64>,
    /// `P` of the definition: how many of the following steps may be the one that crosses `2/l`. Their smoothness is
    /// measured too until one does, by a few gradients each. The paper leaves `P` open.
    #[serde(default = "default_window")]
    pub window: u64,
}

fn default_window() -> u64 {
    10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_measurements_are_due_every_second_iteration_up_to_a_hundred() {
        let due = |config: &DiagnosticsConfig| -> Vec<u64> {
            (0..200).filter(|&k| config.is_due(k)).collect()
        };
        let paper = DiagnosticsConfig::default();
        assert_eq!(due(&paper), (0..=50).map(|i| 2 * i).collect::<Vec<_>>());
        let late = DiagnosticsConfig {
            every: 7,
            from: 5,
            to: 20,
            ..paper
        };
        assert_eq!(due(&late), [5, 12, 19]);
        assert_eq!([5, 12, 19].map(|k| late.is_over(k)), [false, false, true]);
    }
}
