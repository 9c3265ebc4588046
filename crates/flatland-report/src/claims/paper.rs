//! The claims, each with what it is judged by.
//!
//! `η·λ₁` is judged where a step was taken: not at the last point of a run that converged or stalled, where `η` is 0.
//! Of a stochastic run, `η·λ₁` is that of a step on the Hessian of its own mini-batch, the last `λ₁` is the mean over
//! the mini-batches, the least is that of any of them, and a loss is the full one.

use flatland_config::MeasurementConfig;
use flatland_optim::MethodConfig;
use flatland_records::{LargeStepRow, RunRecords, SharpnessRow};

use super::judge::{ClaimFinding, ClaimVerdict, PeerGroup};

/// A claim of the paper.
pub(super) struct Claim {
    pub title: &'static str,
    /// What the paper says, and when it counts as seen here.
    pub paper: &'static str,
    pub judge: fn(&PeerGroup<'_>) -> Vec<ClaimFinding>,
}

pub(super) const ALL: [Claim; 10] = [
    Claim {
        title: "Steps reach the edge: η·λ₁ > 1 − c",
        paper: "always, for the line searches; at every measured iteration",
        judge: reaches_the_edge,
    },
    Claim {
        title: "Steps pass the edge: η·λ₁ > 2",
        paper: "often, for NLS and PoNLS; in a quarter of the measured iterations at least",
        judge: passes_the_edge,
    },
    Claim {
        title: "Steps are large in the sense of Definition 2.3: η ≥ 1/l, and soon η > 2/l",
        paper: "always, for the line searches; at every iteration with a segment that was decided, l measured from below",
        judge: steps_are_large,
    },
    Claim {
        title: "CDAT stays on the edge: η·max|λ| ≥ σ",
        paper: "always; at every measured iteration, to the accuracy of the eigenvalue",
        judge: cdat_on_the_edge,
    },
    Claim {
        title: "The floor: λ₁ ≥ 2/K",
        paper: "always, with mean squared error and a bias in the last layer",
        judge: above_the_floor,
    },
    Claim {
        title: "NLS and PoNLS end flatter than SAM and CDAT",
        paper: "the last λ₁ is smaller than that of SAM and that of CDAT",
        judge: flatter_than_rivals,
    },
    Claim {
        title: "The monotone search sharpens",
        paper: "LS ends sharper than NLS",
        judge: ls_sharpens,
    },
    Claim {
        title: "NLS-ub settles just above 2/K with a lower loss than NLS",
        paper: "the last λ₁ lies between 2/K and 4/K, the last loss below that of NLS",
        judge: nls_ub_settles,
    },
    Claim {
        title: "The flat points are saddles: trace 2, the rest of the spectrum in ± pairs",
        paper: "where λ₁ is within 5% of 2/K the trace is within 10% of 2; needs diagnostics",
        judge: flat_points_are_saddles,
    },
    Claim {
        title: "The loss is not monotone",
        paper: "for NLS and PoNLS: it rises after some iteration",
        judge: not_monotone,
    },
];

/// The relative accuracy to which the eigenvalues of a run were measured.
fn accuracy(run: &RunRecords) -> f64 {
    let MeasurementConfig {
        lanczos_tolerance, ..
    } = run.config.measurement;
    lanczos_tolerance
}

fn finding(run: &RunRecords, verdict: impl Into<ClaimVerdict>, numbers: String) -> ClaimFinding {
    ClaimFinding {
        method: run.config.method.label(),
        verdict: verdict.into(),
        numbers,
    }
}

fn unmeasured(run: &RunRecords) -> ClaimFinding {
    let numbers = "no measurement of the sharpness".to_owned();
    finding(run, ClaimVerdict::NotMeasured, numbers)
}

/// Judges each run of some methods by its measured steps.
fn each(
    group: &PeerGroup<'_>,
    methods: &[&str],
    judge: impl Fn(&RunRecords) -> (bool, String),
) -> Vec<ClaimFinding> {
    (group.runs.iter())
        .filter(|run| methods.contains(&run.config.method.name()))
        .map(|run| match run.measured_steps().next() {
            None => unmeasured(run),
            Some(_) => {
                let (holds, numbers) = judge(run);
                finding(run, holds, numbers)
            }
        })
        .collect()
}

/// How many values satisfy a condition, of how many, and the least of them.
fn count(values: &[f64], holds: impl Fn(f64) -> bool) -> (usize, usize, f64) {
    let count = values.iter().filter(|&&value| holds(value)).count();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    (count, values.len(), least)
}

fn reaches_the_edge(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    each(group, &["ls", "nls", "ponls", "nls-ub", "ponos"], |run| {
        let bound = 1.0 - run.config.method.sufficient_decrease();
        let (count, all, least) = count(&run.products(), |product| product > bound);
        (
            count == all,
            format!("{count} of {all}, the least {least:.3}"),
        )
    })
}

fn passes_the_edge(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    each(group, &["nls", "ponls"], |run| {
        let (count, all, _) = count(&run.products(), |product| product > 2.0);
        (4 * count >= all, format!("{count} of {all}"))
    })
}

fn steps_are_large(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    let searches = ["ls", "nls", "ponls", "nls-ub", "ponos"];
    let asked = (group.runs.iter()).filter_map(|run| Some((run, run.config.segment.as_ref()?)));
    asked
        .filter(|(run, _)| searches.contains(&run.config.method.name()))
        .map(|(run, segment)| {
            let decided: Vec<_> = (run.large_steps.iter())
                .filter(|row| row.is_large.is_some())
                .collect();
            let count = |holds: fn(&LargeStepRow) -> bool| {
                decided.iter().filter(|row| holds(row)).count()
            };
            let (all, large) = (decided.len(), count(|row| row.is_large == Some(true)));
            let numbers = format!(
                "{large} of {all}; η ≥ 1/l in {}, η > 2/l within {} steps in {}; {} undecided at the end of the run",
                count(|row| row.is_long),
                segment.window,
                count(|row| row.crossed_after.is_some()),
                run.large_steps.len() - all
            );
            match all {
                0 => finding(run, ClaimVerdict::NotMeasured, numbers),
                _ => finding(run, large == all, numbers),
            }
        })
        .collect()
}

fn cdat_on_the_edge(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    each(group, &["cdat"], |run| {
        let MethodConfig::Cdat(config) = &run.config.method else {
            unreachable!("the method is called cdat");
        };
        let at_edge =
            |row: &SharpnessRow| row.step_size * row.sharpness.abs().max(row.lambda_min.abs());
        let bound = config.scale * (1.0 - accuracy(run));
        let at_edges: Vec<f64> = run.measured_steps().map(at_edge).collect();
        let (count, all, least) = count(&at_edges, |at_edge| at_edge >= bound);
        let sigma = config.scale;
        (
            count == all,
            format!("{count} of {all}, the least {least:.3}, σ = {sigma}"),
        )
    })
}

fn above_the_floor(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    let runs = group
        .runs
        .iter()
        .filter_map(|run| Some((run, run.config.floor()?)));
    runs.map(|(run, floor)| {
        let Some(least) = run.least_sharpness() else {
            return unmeasured(run);
        };
        let numbers = format!("the least {least:.5}, 2/K = {floor:.5}");
        finding(run, least >= floor * (1.0 - accuracy(run)), numbers)
    })
    .collect()
}

/// Judges pairs of runs of a group by their last sharpness; a pair of which one run is missing is not judged.
fn pairs(
    group: &PeerGroup<'_>,
    pairs: &[(&str, &str)],
    judge: impl Fn(f64, f64) -> bool,
) -> Vec<ClaimFinding> {
    let judged = |&(left, right): &(&str, &str)| {
        let (left, right) = (group.of(left)?, group.of(right)?);
        let method = format!(
            "{} and {}",
            left.config.method.label(),
            right.config.method.label()
        );
        let (verdict, numbers) = match (left.final_sharpness(), right.final_sharpness()) {
            (Some(left), Some(right)) => (
                judge(left, right).into(),
                format!("{left:.4} and {right:.4}"),
            ),
            _ => (
                ClaimVerdict::NotMeasured,
                "no measurement of the sharpness".to_owned(),
            ),
        };
        Some(ClaimFinding {
            method,
            verdict,
            numbers,
        })
    };
    pairs.iter().filter_map(judged).collect()
}

fn flatter_than_rivals(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    let rivals = [
        ("nls", "sam"),
        ("nls", "cdat"),
        ("ponls", "sam"),
        ("ponls", "cdat"),
    ];
    pairs(group, &rivals, |ours, theirs| ours < theirs)
}

fn ls_sharpens(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    pairs(group, &[("ls", "nls")], |ls, nls| ls > nls)
}

fn nls_ub_settles(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    let (Some(bounded), Some(free)) = (group.of("nls-ub"), group.of("nls")) else {
        return Vec::new();
    };
    let Some(floor) = bounded.config.floor() else {
        return Vec::new();
    };
    let Some(sharpness) = bounded.final_sharpness() else {
        return vec![unmeasured(bounded)];
    };
    let losses = (bounded.file.totals.final_loss, free.file.totals.final_loss);
    let (Some(loss), Some(other)) = losses else {
        let numbers = "a run has no last loss".to_owned();
        return vec![finding(bounded, ClaimVerdict::NotMeasured, numbers)];
    };
    let is_settled = (floor * (1.0 - accuracy(bounded))..=2.0 * floor).contains(&sharpness);
    let numbers =
        format!("λ₁ = {sharpness:.4}, 2/K = {floor:.4}; loss {loss:.2e}, of NLS {other:.2e}");
    vec![finding(bounded, is_settled && loss < other, numbers)]
}

fn flat_points_are_saddles(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    let measured = (group.runs.iter())
        .filter(|run| !run.diagnostics.is_empty())
        .filter_map(|run| Some((run, run.config.floor()?)));
    measured
        .map(|(run, floor)| {
            let flat: Vec<_> = (run.diagnostics.iter())
                .filter(|row| {
                    let largest = row.eigenvalues.first();
                    largest.is_some_and(|largest| (largest / floor - 1.0).abs() < 0.05)
                })
                .collect();
            let Some(last) = flat.last() else {
                let numbers = "no measured iteration is that flat".to_owned();
                return finding(run, ClaimVerdict::NotMeasured, numbers);
            };
            let holds = flat
                .iter()
                .filter(|row| (row.trace - 2.0).abs() < 0.2)
                .count();
            let pairing = match last.pairing {
                Some(score) => format!("{score:.2}"),
                None => "not measured".to_owned(),
            };
            let numbers = format!(
                "{holds} of {}; at iteration {}: trace {:.3}, score of the pairs {pairing}",
                flat.len(),
                last.iteration,
                last.trace
            );
            finding(run, holds == flat.len(), numbers)
        })
        .collect()
}

fn not_monotone(group: &PeerGroup<'_>) -> Vec<ClaimFinding> {
    (group.runs.iter())
        .filter(|run| ["nls", "ponls"].contains(&run.config.method.name()))
        .map(|run| {
            let losses = run.losses();
            let risen = losses.windows(2).filter(|pair| pair[1] > pair[0]).count();
            let all = losses.len().saturating_sub(1);
            let unit = match run.config.mini_batches {
                None => "iterations",
                Some(_) => "epochs",
            };
            let numbers = format!("after {risen} of {all} {unit}");
            match all {
                0 => finding(run, ClaimVerdict::NotMeasured, numbers),
                _ => finding(run, risen > 0, numbers),
            }
        })
        .collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
