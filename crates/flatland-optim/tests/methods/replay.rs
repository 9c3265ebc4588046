//! The authors' searches, replayed without their network: given the same losses, the same trials in the same order.

use burn::tensor::Tensor;
use flatland_optim::{LineSearchConfig, Method, Objective, Outcome};
use serde_json::Value;

use crate::toys::{host, vector};

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
