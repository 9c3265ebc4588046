//! Every claim on runs made up to hold it barely, and to miss it barely.

use flatland_models::{Architecture, Loss};
use flatland_optim::{CdatConfig, LineSearchConfig, SamConfig};

use super::*;
use crate::testing;
use flatland_config::{RunConfig, Status};
use flatland_records::{DiagnosticsRow, MetricsRow};

/// The line 2/K of the runs below, for ten classes.
const FLOOR: f64 = 0.2;

fn method(name: &str) -> MethodConfig {
    match name {
        "ls" => MethodConfig::Ls(LineSearchConfig::ls()),
        "nls" => MethodConfig::Nls(LineSearchConfig::nls()),
        "ponls" => MethodConfig::Ponls(LineSearchConfig::ponls()),
        "nls-ub" => MethodConfig::NlsUb(LineSearchConfig::nls_ub(10)),
        "cdat" => MethodConfig::Cdat(CdatConfig::new()),
        "sam" => MethodConfig::Sam(SamConfig::new(0.1)),
        _ => unreachable!("no test has a run of {name}"),
    }
}

/// A run with these losses and, at its measured iterations, step sizes and sharpnesses.
fn run(name: &str, losses: &[f64], measured: &[(f64, f64)]) -> RunRecords {
    let metrics = (losses.iter().zip(0..)).map(|(&loss, iteration)| MetricsRow {
        iteration,
        loss,
        step_size: 1.0,
        initial_step_size: None,
        trials: 0,
        backtracks: 0,
        function_evaluations: 1,
        gradient_norm: 1.0,
        reference_value: None,
        average_loss: None,
        train_accuracy: None,
        test_loss: None,
        test_accuracy: None,
        seconds: 0.0,
    });
    let rows =
        (measured.iter().zip(0..)).map(|(&(step_size, sharpness), iteration)| SharpnessRow {
            iteration,
            sharpness,
            lambda_min: 0.0,
            step_size,
            step_size_times_sharpness: step_size * sharpness,
            edge: None,
            residual: 0.0,
            hessian_products: 10,
            seconds: 0.0,
        });
    let config = RunConfig {
        network: Architecture::named("mlp").unwrap(),
        method: method(name),
        ..testing::run_config()
    };
    RunRecords {
        metrics: metrics.collect(),
        sharpness: rows.collect(),
        ..testing::run_of(config, Status::Done, losses.last().copied())
    }
}

/// The verdicts of a claim on these runs, with the methods that they are on.
fn verdicts(
    judge: fn(&PeerGroup<'_>) -> Vec<ClaimFinding>,
    runs: &[RunRecords],
) -> Vec<ClaimVerdict> {
    let group = PeerGroup {
        runs: runs.iter().collect(),
    };
    judge(&group)
        .iter()
        .map(|finding| finding.verdict)
        .collect()
}

/// The verdict on one run of a method that was measured so.
fn one(
    judge: fn(&PeerGroup<'_>) -> Vec<ClaimFinding>,
    name: &str,
    measured: &[(f64, f64)],
) -> Vec<ClaimVerdict> {
    verdicts(judge, &[run(name, &[1.0], measured)])
}

use ClaimVerdict::{DoesNot, Holds, NotMeasured};

#[test]
fn every_measured_iteration_of_a_search_must_reach_the_edge() {
    for name in ["ls", "nls", "ponls", "nls-ub"] {
        assert_eq!(
            one(reaches_the_edge, name, &[(1.0, 1.0), (1.0, 5.0)]),
            [Holds]
        );
        assert_eq!(
            one(reaches_the_edge, name, &[(1.0, 0.99), (1.0, 5.0)]),
            [DoesNot]
        );
        assert_eq!(one(reaches_the_edge, name, &[]), [NotMeasured]);
    }
    assert_eq!(one(reaches_the_edge, "sam", &[(1.0, 5.0)]), []);
}

#[test]
fn a_quarter_of_the_measured_iterations_must_pass_the_edge() {
    let quarter = [(1.0, 2.01), (1.0, 1.9), (1.0, 1.9), (1.0, 2.0)];
    let fifth = [&quarter[..], &[(1.0, 1.9)]].concat();
    for name in ["nls", "ponls"] {
        assert_eq!(one(passes_the_edge, name, &quarter), [Holds]);
        assert_eq!(one(passes_the_edge, name, &fifth), [DoesNot]);
    }
    assert_eq!(one(passes_the_edge, "ls", &quarter), []);
}

/// A run that converged or stalled was measured at its last point, from which there was no step.
#[test]
fn a_point_without_a_step_says_nothing_of_the_edge() {
    let last = (0.0, 5.0);
    assert_eq!(one(reaches_the_edge, "nls", &[(1.0, 1.0), last]), [Holds]);
    assert_eq!(one(passes_the_edge, "nls", &[(1.0, 2.1), last]), [Holds]);
    // Two of eight steps pass; with the end, there would be nine.
    let eight = [&[(1.0, 2.1); 2][..], &[(1.0, 1.9); 6], &[last]].concat();
    assert_eq!(one(passes_the_edge, "ponls", &eight), [Holds]);
    let sigma = CdatConfig::new().scale;
    assert_eq!(
        one(cdat_on_the_edge, "cdat", &[(1.0, sigma), last]),
        [Holds]
    );
    for (judge, name) in [
        (
            reaches_the_edge as fn(&PeerGroup<'_>) -> Vec<ClaimFinding>,
            "ls",
        ),
        (passes_the_edge, "nls"),
        (cdat_on_the_edge, "cdat"),
    ] {
        assert_eq!(one(judge, name, &[last]), [NotMeasured], "{name}");
    }
    // The sharpness there counts like any other.
    let settled = run("sam", &[1.0], &[(1.0, 3.0), (0.0, 0.9 * FLOOR)]);
    assert_eq!(verdicts(above_the_floor, &[settled]), [DoesNot]);
}

#[test]
fn cdat_is_judged_by_the_largest_magnitude() {
    let sigma = CdatConfig::new().scale;
    assert_eq!(one(cdat_on_the_edge, "cdat", &[(1.0, sigma)]), [Holds]);
    assert_eq!(
        one(cdat_on_the_edge, "cdat", &[(1.0, 0.99 * sigma)]),
        [DoesNot]
    );
    let mut negative = run("cdat", &[1.0], &[(1.0, 0.5)]);
    negative.sharpness[0].lambda_min = -sigma;
    assert_eq!(verdicts(cdat_on_the_edge, &[negative]), [Holds]);
}

#[test]
fn there_is_a_floor_with_squared_errors_and_a_last_bias_alone() {
    let above = run("sam", &[1.0], &[(1.0, 3.0), (1.0, FLOOR)]);
    let below = run("sam", &[1.0], &[(1.0, 0.99 * FLOOR), (1.0, 3.0)]);
    let mut other_loss = below.clone();
    other_loss.config.loss = Loss::CrossEntropy;
    let mut no_bias = below.clone();
    no_bias.config.network = Architecture::Mlp(flatland_models::MlpConfig {
        bias: false,
        ..Default::default()
    });
    let runs = [above, below, other_loss, no_bias];
    assert_eq!(verdicts(above_the_floor, &runs), [Holds, DoesNot]);
}

#[test]
fn the_last_sharpnesses_of_two_methods_are_compared() {
    let last = |name, sharpness| run(name, &[1.0], &[(1.0, 2.0), (1.0, sharpness)]);
    let runs = [
        last("nls", 1.0),
        last("sam", 1.1),
        last("cdat", 0.9),
        last("ls", 1.1),
    ];
    assert_eq!(verdicts(flatter_than_rivals, &runs), [Holds, DoesNot]);
    assert_eq!(verdicts(ls_sharpens, &runs), [Holds]);
    assert_eq!(
        verdicts(ls_sharpens, &[last("nls", 1.1), last("ls", 1.0)]),
        [DoesNot]
    );
    let unmeasured = [run("nls", &[1.0], &[]), last("ls", 1.0)];
    assert_eq!(verdicts(ls_sharpens, &unmeasured), [NotMeasured]);
}

#[test]
fn nls_ub_settles_between_one_and_two_floors_with_the_lower_loss() {
    for (sharpness, loss, expected) in [
        (FLOOR, 0.5, Holds),
        (2.0 * FLOOR, 0.5, Holds),
        (0.9 * FLOOR, 0.5, DoesNot),
        (2.1 * FLOOR, 0.5, DoesNot),
        (1.5 * FLOOR, 0.7, DoesNot),
    ] {
        let runs = [
            run("nls-ub", &[1.0, loss], &[(1.0, sharpness)]),
            run("nls", &[1.0, 0.6], &[(1.0, 1.0)]),
        ];
        assert_eq!(
            verdicts(nls_ub_settles, &runs),
            [expected],
            "{sharpness} {loss}"
        );
        assert_eq!(verdicts(nls_ub_settles, &runs[..1]), []);
    }
}

#[test]
fn where_it_is_flat_the_trace_must_be_two() {
    let at = |eigenvalue, trace| DiagnosticsRow {
        iteration: 0,
        trace,
        trace_standard_error: 0.0,
        trace_probes: 1,
        eigenvalues: vec![eigenvalue],
        eigenvalue_residual: 0.0,
        gradient_norm_mean: None,
        gradient_norm_min: None,
        gradient_norm_max: None,
        gradient_norm_last_bias: None,
        zero_gradient_share: 0.0,
        dead_activation_share: None,
        pairing: None,
        hessian_products: 0,
        seconds: 0.0,
    };
    for (rows, expected) in [
        (vec![at(1.04 * FLOOR, 2.19), at(1.06 * FLOOR, 9.0)], Holds),
        (vec![at(0.96 * FLOOR, 1.81), at(FLOOR, 2.21)], DoesNot),
        (vec![at(0.96 * FLOOR, 1.79)], DoesNot),
        (vec![at(1.06 * FLOOR, 2.0)], NotMeasured),
    ] {
        let mut saddle = run("nls", &[1.0], &[]);
        saddle.diagnostics = rows;
        assert_eq!(verdicts(flat_points_are_saddles, &[saddle]), [expected]);
    }
    let mut foreign = run("nls", &[1.0], &[]);
    foreign.diagnostics = vec![DiagnosticsRow {
        eigenvalues: Vec::new(),
        ..at(FLOOR, 2.0)
    }];
    assert_eq!(
        verdicts(flat_points_are_saddles, &[foreign]),
        [NotMeasured],
        "a diagnostics.csv without a column of eigenvalues"
    );
    assert_eq!(one(flat_points_are_saddles, "nls", &[]), []);
}

#[test]
fn a_loss_that_rises_once_is_not_monotone() {
    let of = |losses: &[f64]| verdicts(not_monotone, &[run("ponls", losses, &[])]);
    assert_eq!(of(&[1.0, 0.9, 0.91, 0.5]), [Holds]);
    assert_eq!(of(&[1.0, 0.9, 0.9, 0.5]), [DoesNot]);
    assert_eq!(verdicts(not_monotone, &[run("ls", &[1.0, 2.0], &[])]), []);
}
