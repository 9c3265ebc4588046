//! Whole runs of the searches on the tanh MLP against PyTorch: the authors' own classes, and an independent
//! implementation of the same formulas.

mod common;

use burn::tensor::DType;
use common::json;
use common::replay::{Iteration, Rule, check_official_step, near, run, tolerance, unguarded_ponls};
use flatland_optim::{Extrapolation, GradientDescentConfig, LineSearchConfig, Polyak, Reference};
use serde_json::Value;

fn search(config: LineSearchConfig) -> Rule {
    Box::new(config.init().unwrap())
}

/// The authors' classes: step sizes, first trials, reference values and every trial in its order.
fn check_official(name: &str, rule: Rule, iterations: usize) {
    let case = &json("official_digits_tanh.json")["methods"][name];
    for (k, iteration) in run(rule, DType::F64, iterations).iter().enumerate() {
        let expected = &case["records"][k];
        let tolerance = tolerance(case, k);
        let step = &iteration.step;
        let at = format!("{name}, iteration {k}: {step:?}, expected {expected}");
        check_official_step(step, expected, tolerance, &at);
        assert!(
            near(
                step.initial_step_size.unwrap(),
                &expected["init"],
                100.0 * tolerance
            ),
            "start; {at}"
        );
        assert!(
            near(step.reference_value.unwrap(), &expected["R"], tolerance),
            "reference; {at}"
        );
        // The authors test the accepted step again when an extrapolation has failed; here no trial is made twice.
        let mut trials: Vec<&Value> = Vec::new();
        for trial in expected["trials"].as_array().unwrap() {
            if !trials.iter().any(|earlier| earlier[0] == trial[0]) {
                trials.push(trial);
            }
        }
        assert_eq!(step.trials as usize, trials.len(), "number of trials; {at}");
        assert_eq!(
            iteration.trials.len(),
            trials.len(),
            "trials evaluated; {at}"
        );
        assert_eq!(
            iteration.evaluations.functions() as usize,
            1 + trials.len(),
            "evaluations counted; {at}"
        );
        for (found, trial) in iteration.trials.iter().zip(&trials) {
            assert!(
                near(*found, &trial[1], 1000.0 * tolerance),
                "trial {trial}, found {found}; {at}"
            );
        }
    }
}

#[test]
fn ls_repeats_the_authors_run() {
    check_official("LS", search(LineSearchConfig::ls()), 100);
}

#[test]
fn nls_repeats_the_authors_run() {
    check_official("NLS", search(LineSearchConfig::nls()), 100);
}

#[test]
fn nls_ub_repeats_the_authors_run() {
    check_official("NLS_ub", search(LineSearchConfig::nls_ub(10)), 100);
}

#[test]
fn ponls_repeats_the_authors_run() {
    check_official("PoNLS", search(LineSearchConfig::ponls()), 20);
}

/// The independent implementation: step sizes, trials and reference values.
fn check_independent(name: &str, rule: Rule) {
    let case = &json("mlp_tanh.json")["methods"][name];
    for (k, Iteration { step, .. }) in run(rule, DType::F64, 30).iter().enumerate() {
        let expected = &case["records"][k];
        let tolerance = tolerance(case, k);
        let at = format!("{name}, iteration {k}: {step:?}, expected {expected}");
        assert!(near(step.loss, &expected["loss"], tolerance), "loss; {at}");
        assert!(
            near(
                step.gradient_norm.powi(2),
                &expected["gn2"],
                10.0 * tolerance
            ),
            "gradient; {at}"
        );
        assert_eq!(
            step.step_size,
            expected["eta"].as_f64().unwrap(),
            "step size; {at}"
        );
        if let Some(trials) = expected["n_f"]
            .as_u64()
            .filter(|_| step.reference_value.is_some())
        {
            assert_eq!(u64::from(step.trials), trials, "trials; {at}");
            assert!(
                near(step.reference_value.unwrap(), &expected["R"], tolerance),
                "reference; {at}"
            );
        }
        if let (Some(average), Some(_)) = (step.average_loss, expected["C"].as_f64()) {
            assert!(near(average, &expected["C"], tolerance), "average; {at}");
        }
    }
}

#[test]
fn searches_and_gradient_descent_repeat_an_independent_run() {
    check_independent("ls", search(LineSearchConfig::ls()));
    check_independent("nls", search(LineSearchConfig::nls()));
    let half = LineSearchConfig {
        reference: Reference::ZhangHager { xi: 0.5 },
        ..LineSearchConfig::nls()
    };
    check_independent("nls_xi05", search(half));
    check_independent(
        "gd",
        Box::new(GradientDescentConfig::new(2.0).init().unwrap()),
    );
    check_independent(
        "gd_eta8",
        Box::new(GradientDescentConfig::new(8.0).init().unwrap()),
    );
}

#[test]
fn polyak_starts_repeat_an_independent_run() {
    let memory = Polyak {
        remembers_cuts: true,
        ..Polyak::default()
    };
    let growing = LineSearchConfig {
        extrapolation: Extrapolation::UntilFailure,
        ..unguarded_ponls(Polyak {
            scale: 1.0,
            ..Polyak::default()
        })
    };
    for (name, config) in [
        ("ponls", unguarded_ponls(Polyak::default())),
        ("ponls_memory", unguarded_ponls(memory)),
        ("ponls_extrap", growing),
    ] {
        let case = &json("mlp_tanh.json")["methods"][name];
        for (k, Iteration { step, .. }) in run(search(config), DType::F64, 30).iter().enumerate() {
            let expected = &case["records"][k];
            let tolerance = tolerance(case, k);
            let at = format!("{name}, iteration {k}: {step:?}, expected {expected}");
            assert!(near(step.loss, &expected["loss"], tolerance), "loss; {at}");
            assert!(
                near(step.step_size, &expected["eta"], 100.0 * tolerance),
                "step size; {at}"
            );
            assert_eq!(
                u64::from(step.trials),
                expected["n_f"].as_u64().unwrap(),
                "trials; {at}"
            );
        }
    }
}

/// In single precision, rounding alone parts two runs: equal steps at first, then near ones.
#[test]
fn single_precision_follows_as_far_as_rounding_lets_it() {
    for (name, config, exact, close) in [
        ("LS", LineSearchConfig::ls(), 8, 20),
        ("NLS", LineSearchConfig::nls(), 8, 20),
        ("NLS_ub", LineSearchConfig::nls_ub(10), 8, 20),
        ("PoNLS", LineSearchConfig::ponls(), 3, 3),
    ] {
        let case = &json("official_digits_tanh.json")["methods"][name];
        for (k, Iteration { step, .. }) in run(search(config), DType::F32, close + 1)
            .iter()
            .enumerate()
        {
            let expected = &case["records"][k];
            let tolerance = if k <= exact { 1e-5 } else { 2e-3 };
            assert!(
                near(step.loss, &expected["loss"], tolerance),
                "{name} {k}: {step:?}, expected {expected}"
            );
            if k <= exact && name != "PoNLS" {
                assert_eq!(
                    step.step_size,
                    expected["eta"].as_f64().unwrap(),
                    "{name} {k}"
                );
            }
        }
    }
}
