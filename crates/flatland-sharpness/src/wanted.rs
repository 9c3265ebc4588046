//! The wanted eigenpairs.

use serde::{Deserialize, Serialize};

/// The part of the spectrum that [`eigenpairs`](crate::eigenpairs) computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// The ends of the spectrum.
    Ends {
        /// The number of largest eigenvalues. They come first, in descending order.
        largest: usize,
        /// The number of smallest eigenvalues. They come last, in ascending order.
        smallest: usize,
    },
    /// The given number of eigenvalues of largest magnitude, in descending order of magnitude.
    Magnitude(usize),
}

impl Wanted {
    /// The number of wanted eigenpairs.
    pub fn count(self) -> usize {
        match self {
            Self::Ends { largest, smallest } => largest + smallest,
            Self::Magnitude(count) => count,
        }
    }

    /// Whether more than one eigenvalue is wanted at one end of the spectrum, so multiplicities matter.
    pub(crate) fn has_neighbours(self) -> bool {
        match self {
            Self::Ends { largest, smallest } => largest > 1 || smallest > 1,
            Self::Magnitude(count) => count > 1,
        }
    }

    /// The places of the wanted values in a descending list, and of up to `spare` values that are next to them.
    pub(crate) fn select(self, descending: &[f64], spare: usize) -> Vec<usize> {
        let n = descending.len();
        let spare = spare.min(n - self.count());
        match self {
            Self::Ends { largest, smallest } => {
                let above = spare * largest / (largest + smallest);
                let below = spare - above;
                let (top, bottom) = (0..largest + above, n - smallest - below..n);
                let wanted = top
                    .clone()
                    .take(largest)
                    .chain(bottom.clone().rev().take(smallest));
                wanted
                    .chain(top.skip(largest))
                    .chain(bottom.rev().skip(smallest))
                    .collect()
            }
            Self::Magnitude(count) => {
                let mut places: Vec<usize> = (0..n).collect();
                places.sort_by(|&i, &j| descending[j].abs().total_cmp(&descending[i].abs()));
                places.truncate(count + spare);
                places
            }
        }
    }

    /// Whether a value with this error bound may be one of the wanted values instead of `values`.
    pub(crate) fn is_reached(self, values: &[f64], value: f64, error: f64) -> bool {
        match self {
            Self::Ends { largest, smallest } => {
                let (top, bottom) = values.split_at(largest);
                let reaches_top = top.last().is_some_and(|least| value + error > *least);
                reaches_top || smallest > 0 && value - error < bottom[smallest - 1]
            }
            Self::Magnitude(count) => value.abs() + error > values[count - 1].abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f64; 6] = [5.0, 3.0, 1.0, -2.0, -4.0, -6.0];

    #[test]
    fn the_ends_come_from_outside_in() {
        let ends = |largest, smallest| Wanted::Ends { largest, smallest };
        assert_eq!(ends(2, 1).select(&VALUES, 0), [0, 1, 5]);
        assert_eq!(ends(1, 3).select(&VALUES, 0), [0, 5, 4, 3]);
        assert_eq!(ends(0, 1).select(&VALUES, 2), [5, 4, 3]);
        assert_eq!(ends(1, 1).select(&VALUES, 2), [0, 5, 1, 4]);
        assert_eq!(ends(1, 1).select(&VALUES, 99), [0, 5, 1, 2, 4, 3]);
        assert_eq!(ends(3, 3).select(&VALUES, 1), [0, 1, 2, 5, 4, 3]);
    }

    #[test]
    fn magnitude_ignores_the_sign() {
        assert_eq!(Wanted::Magnitude(2).select(&VALUES, 0), [5, 0]);
        assert_eq!(Wanted::Magnitude(2).select(&VALUES, 2), [5, 0, 4, 1]);
    }
}
