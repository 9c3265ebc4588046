//! The authors' searches, replayed without their network: given the same losses, the same trials in the same order.

use burn::tensor::Tensor;
use flatland_optim::{LineSearchConfig, Method, Objective, Outcome};
use serde_json::Value;

use crate::toys::{host, quadratic, vector};

/// One recorded iteration, in one dimension: it starts at 0 with the gradient `gn`, and answers a trial `η` only if it
/// is the one recorded next.
struct Recording<'a> {
    loss: f64,
    gradient_norm: f64,
    trials: std::slice::Iter<'a, (f64, f64)>,
}

impl Objective for Recording<'_> {
    fn dimension(&self) -> usize {
        1
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        let step_size = -host(point)[0] / self.gradient_norm;
        let &(recorded, loss) = (self.trials.next())
            .unwrap_or_else(|| panic!("the authors did not try {step_size}, nor anything more"));
        assert!(
            (step_size / recorded - 1.0).abs() < 1e-13,
            "the authors tried {recorded} instead of {step_size}"
        );
        loss
    }

    fn loss_and_gradient(&mut self, _: &Tensor<1>) -> (f64, Tensor<1>) {
        (self.loss, vector(&[self.gradient_norm]))
    }
}

fn replay(name: &str, config: &LineSearchConfig) {
    let case: Value =
        serde_json::from_str(include_str!("../fixtures/official_searches.json")).unwrap();
    let records = case[name].as_array().unwrap();
    assert_eq!(records.len(), 100);
    let mut search = config.init().unwrap();
    for (k, record) in records.iter().enumerate() {
        let trials: Vec<(f64, f64)> = serde_json::from_value(record["trials"].clone()).unwrap();
        let number = |key: &str| record[key].as_f64().unwrap();
        let mut recording = Recording {
            loss: number("f"),
            gradient_norm: number("gn"),
            trials: trials.iter(),
        };
        let (_, step) = search.step(&mut recording, vector(&[0.0]));
        let at = format!("{name}, iteration {k}: {step:?}, recorded {record}");
        assert_eq!(recording.trials.len(), 0, "trials left; {at}");
        assert_eq!(step.trials as usize, trials.len(), "{at}");
        assert_eq!(step.outcome, Outcome::Stepped, "{at}");
        assert_eq!(step.reference_value, Some(number("R")), "{at}");
        assert!((step.step_size / number("eta") - 1.0).abs() < 1e-13, "{at}");
        let accepted = trials.iter().find(|trial| trial.0 == number("eta"));
        assert_eq!(step.accepted_loss, accepted.map(|trial| trial.1), "{at}");
    }
}

#[test]
fn the_authors_searches_are_repeated_trial_by_trial() {
    replay("LS", &LineSearchConfig::ls());
    replay("NLS", &LineSearchConfig::nls());
    replay("NLS_ub", &LineSearchConfig::nls_ub(10));
    replay("PoNLS", &LineSearchConfig::ponls());
}

/// Quadratics on which the authors' classes were followed step by step: growth past the largest first trial, the bound
/// of NLS-ub, Polyak's step size beyond its limit, and cuts by another factor.
#[test]
fn the_authors_steps_on_quadratics_are_repeated() {
    let cases: Value =
        serde_json::from_str(include_str!("../fixtures/official_edge_cases.json")).unwrap();
    let finer = LineSearchConfig {
        backtracking_factor: 0.9,
        ..LineSearchConfig::nls()
    };
    let (flat, steep) = (vec![1e-6], vec![1.0, 10.0]);
    for (name, spectrum, config) in [
        (
            "NLS, quadratic 1e-6: step above max_eta, next start clipped to 1e4",
            &flat,
            LineSearchConfig::nls(),
        ),
        (
            "NLS_ub, quadratic 1e-6: grows to 8 (K 10)",
            &flat,
            LineSearchConfig::nls_ub(10),
        ),
        (
            "PoNLS, Polyak above 1e4 (quadratic 1e-6)",
            &flat,
            LineSearchConfig::ponls(),
        ),
        ("LS, quadratic (1, 10)", &steep, LineSearchConfig::ls()),
        (
            "NLS, quadratic (1, 10), delta .5",
            &steep,
            LineSearchConfig::nls(),
        ),
        ("NLS, quadratic (1, 10), delta .9", &steep, finer),
        (
            "NLS_ub, quadratic (1, 10)",
            &steep,
            LineSearchConfig::nls_ub(10),
        ),
        (
            "PoNLS, quadratic (1, 10)",
            &steep,
            LineSearchConfig::ponls(),
        ),
    ] {
        let records = cases[name].as_array().unwrap();
        assert!(records.len() >= 3, "{name}");
        let mut search = config.init().unwrap();
        let mut objective = quadratic(spectrum.clone(), 0.0);
        let entries =
            |value: &Value| -> Vec<f64> { serde_json::from_value(value.clone()).unwrap() };
        let mut point = vector(&entries(&records[0]["w"]));
        for (k, record) in records.iter().enumerate() {
            let step;
            (point, step) = search.step(&mut objective, point);
            let at = format!("{name}, iteration {k}: {step:?}, recorded {record}");
            let number = |key: &str| record[key].as_f64().unwrap();
            let near = |found: f64, expected: f64| (found / expected - 1.0).abs() < 1e-11;
            assert!(near(step.loss, number("f")), "{at}");
            assert!(near(step.step_size, number("eta")), "{at}");
            assert!(
                near(step.initial_step_size.unwrap(), number("init")),
                "{at}"
            );
            // Theirs evaluates the accepted step again when an extrapolation has failed.
            let failed_to_grow = number("eta") >= number("init") && number("bt") == 1.0;
            let trials = number("n_trials") - f64::from(u8::from(failed_to_grow));
            assert_eq!(f64::from(step.trials), trials, "{at}");
            let next = entries(&record["w_next"]);
            let moved = host(&point).iter().zip(&next).all(|(w, e)| near(*w, *e));
            assert!(moved, "{at}");
        }
    }
}
