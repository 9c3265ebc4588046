//! What the runs of a method that differ in their seed show together, as the page holds it.

use serde::Serialize;

use super::thin::Curve;
use crate::figure::{Curves, Look, Recorded};
use crate::summary::Entry;

/// What a panel shows of a run.
type Of = fn(&Recorded<'_>) -> Vec<(f64, f64)>;

/// The curves of a method over its seeds.
#[derive(Serialize)]
pub struct OverSeeds {
    pub method: String,
    /// How many runs there are.
    pub count: usize,
    /// `#RRGGBB`; nothing for the colour of text.
    pub color: Option<String>,
    pub dashes: Vec<f64>,
    pub loss: Banded,
    pub sharpness: Banded,
    pub step_size: Banded,
    pub product: Banded,
    pub accuracy: Banded,
}

/// The median, and the least and the largest values, over the runs that got that far.
#[derive(Serialize)]
pub struct Banded {
    pub median: Curve,
    pub range: (Curve, Curve),
}

impl OverSeeds {
    /// What the runs of a method show together; nothing of a single one.
    pub fn new(entry: &Entry<'_>, look: &Look) -> Option<Self> {
        let [first, _, ..] = entry.runs[..] else {
            return None;
        };
        let curves = Curves {
            label: &entry.label,
            runs: (entry.runs.iter().copied()).map(Recorded::from).collect(),
            edge: None,
        };
        let of = |curve: Of| Banded::new(&curves, [curve; 3]);
        let is_stochastic = first.per_epoch().is_some();
        Some(Self {
            method: entry.label.clone(),
            count: entry.runs.len(),
            color: look.color(),
            dashes: look.dashes.to_vec(),
            loss: match is_stochastic {
                false => of(|run| run.metrics(|row| Some(row.loss))),
                true => of(|run| run.by_epoch(|row| Some(row.loss))),
            },
            sharpness: match is_stochastic {
                false => of(|run| run.measured(|row| Some(row.sharpness))),
                true => Banded::new(
                    &curves,
                    [
                        |run| run.by_epoch(|row| row.sharpness_mean),
                        |run| run.by_epoch(|row| row.sharpness_min),
                        |run| run.by_epoch(|row| row.sharpness_max),
                    ],
                ),
            },
            step_size: of(|run| run.metrics(|row| Some(row.step_size))),
            product: of(|run| run.measured(|row| Some(row.step_size_times_sharpness))),
            accuracy: match is_stochastic {
                false => of(|run| run.metrics(|row| Some(100.0 * row.test_accuracy?))),
                true => of(|run| run.by_epoch(|row| Some(100.0 * row.test_accuracy?))),
            },
        })
    }
}

impl Banded {
    /// The median of the first of these, the least of the second and the largest of the third.
    fn new(curves: &Curves<'_>, of: [Of; 3]) -> Self {
        let [middle, low, high] = of.map(|curve| curves.together(curve));
        let least = low.range.map_or(low.median, |(least, _)| least);
        let largest = high.range.map_or(high.median, |(_, largest)| largest);
        Self {
            median: Curve::thin(&middle.median),
            range: (Curve::thin(&least), Curve::thin(&largest)),
        }
    }
}
