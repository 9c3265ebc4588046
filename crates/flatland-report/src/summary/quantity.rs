//! The numbers of a run that a table can show.

use super::entry::Entry;
use super::spread::{NumberKind, Spread};
use flatland_records::{RunRecords, Totals};

/// Which of two values is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
}

/// A number of a run.
pub struct Quantity {
    /// On the command line and in CSV.
    pub name: &'static str,
    /// Above a column.
    pub header: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// How it is written.
    pub kind: NumberKind,
    /// `None` if no value is better than another.
    pub better: Option<Better>,
    of: fn(&RunRecords) -> Option<f64>,
}

use Better::{Higher, Lower};
use NumberKind::{Count, Number, Seconds, Share};

/// All quantities, in the order in which help lists them.
static ALL: [Quantity; 21] = [
    Quantity {
        name: "iterations",
        header: "iterations",
        meaning: "steps taken",
        kind: Count,
        better: None,
        of: |run| Some(run.iterations() as f64),
    },
    Quantity {
        name: "final-loss",
        header: "final loss",
        meaning: "training loss after the last step; of a run under way, the last that is known",
        kind: Number,
        better: Some(Lower),
        of: RunRecords::last_loss,
    },
    Quantity {
        name: "least-loss",
        header: "least loss",
        meaning: "least training loss on the way",
        kind: Number,
        better: Some(Lower),
        of: RunRecords::least_loss,
    },
    Quantity {
        name: "sharpness",
        header: "λ₁",
        meaning: "last sharpness measured; of a stochastic run, the mean over the mini-batches",
        kind: Number,
        better: Some(Lower),
        of: RunRecords::final_sharpness,
    },
    Quantity {
        name: "least-sharpness",
        header: "least λ₁",
        meaning: "least sharpness measured",
        kind: Number,
        better: Some(Lower),
        of: RunRecords::least_sharpness,
    },
    Quantity {
        name: "edge",
        header: "mean η·λ₁",
        meaning: "mean of step size × sharpness over the measured iterations that took a step",
        kind: Number,
        better: None,
        of: RunRecords::mean_at_edge,
    },
    Quantity {
        name: "above-one",
        header: "η·λ₁ > 1−c",
        meaning: "share of measured iterations that took a step with step size × sharpness above 1 − c",
        kind: Share,
        better: None,
        of: |run| run.share_above(1.0 - run.config.method.sufficient_decrease()),
    },
    Quantity {
        name: "above-two",
        header: "η·λ₁ > 2",
        meaning: "share of measured iterations that took a step with step size × sharpness above 2",
        kind: Share,
        better: None,
        of: |run| run.share_above(2.0),
    },
    Quantity {
        name: "rises",
        header: "loss rose",
        meaning: "share of iterations, or epochs, after which the training loss had risen",
        kind: Share,
        better: None,
        of: RunRecords::share_risen,
    },
    Quantity {
        name: "step-size",
        header: "mean η",
        meaning: "mean of the steps' sizes",
        kind: Number,
        better: None,
        of: RunRecords::mean_step_size,
    },
    Quantity {
        name: "train-accuracy",
        header: "train acc.",
        meaning: "training accuracy after the last step",
        kind: Share,
        better: Some(Higher),
        of: |run| run.file.totals.final_train_accuracy,
    },
    Quantity {
        name: "test-loss",
        header: "test loss",
        meaning: "test loss after the last step",
        kind: Number,
        better: Some(Lower),
        of: |run| run.file.totals.final_test_loss,
    },
    Quantity {
        name: "test-accuracy",
        header: "test acc.",
        meaning: "test accuracy after the last step",
        kind: Share,
        better: Some(Higher),
        of: |run| run.file.totals.final_test_accuracy,
    },
    Quantity {
        name: "evaluations",
        header: "f evals",
        meaning: "losses evaluated by the method, with or without gradient",
        kind: Count,
        better: None,
        of: |run| ended(run, |totals| totals.function_evaluations as f64),
    },
    Quantity {
        name: "gradients",
        header: "gradients",
        meaning: "gradients evaluated by the method",
        kind: Count,
        better: None,
        of: |run| ended(run, |totals| totals.gradient_evaluations as f64),
    },
    Quantity {
        name: "curvatures",
        header: "curvatures",
        meaning: "curvatures along the step that the method asked for",
        kind: Count,
        better: None,
        of: |run| ended(run, |totals| totals.curvature_evaluations as f64),
    },
    Quantity {
        name: "products",
        header: "H·v",
        meaning: "Hessian-vector products of the measurements and the method",
        kind: Count,
        better: None,
        of: |run| ended(run, |totals| totals.hessian_products as f64),
    },
    Quantity {
        name: "seconds",
        header: "seconds",
        meaning: "time spent stepping and measuring",
        kind: Seconds,
        better: None,
        of: |run| {
            ended(run, |totals| {
                totals.training_seconds + totals.measuring_seconds
            })
        },
    },
    Quantity {
        name: "training-seconds",
        header: "training s",
        meaning: "time spent stepping",
        kind: Seconds,
        better: None,
        of: |run| ended(run, |totals| totals.training_seconds),
    },
    Quantity {
        name: "measuring-seconds",
        header: "measuring s",
        meaning: "time spent on sharpness, accuracy and diagnostics",
        kind: Seconds,
        better: None,
        of: |run| ended(run, |totals| totals.measuring_seconds),
    },
    Quantity {
        name: "parameters",
        header: "parameters",
        meaning: "parameters of the network",
        kind: Count,
        better: None,
        of: |run| run.file.provenance.parameters.map(|count| count as f64),
    },
];

/// What is only known at the end of a run.
fn ended(run: &RunRecords, of: fn(&Totals) -> f64) -> Option<f64> {
    run.file.ended.map(|_| of(&run.file.totals))
}

impl Quantity {
    /// All quantities, in the order in which help lists them.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The quantity of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|quantity| quantity.name == name)
    }

    /// Its value for a run.
    pub fn of_run(&self, run: &RunRecords) -> Option<f64> {
        (self.of)(run)
    }

    /// Its mean and deviation over the runs that have it.
    pub fn of(&self, entry: &Entry<'_>) -> Option<Spread> {
        let values = entry.runs.iter().filter_map(|run| self.of_run(run));
        Spread::of(&Vec::from_iter(values))
    }

    /// The best mean of the entries whose runs all reached what they were asked for; nothing if there are not two of
    /// these.
    pub fn best(&self, entries: &[Entry<'_>]) -> Option<f64> {
        let entries = entries.iter().filter(|entry| entry.is_success());
        self.best_value(entries.filter_map(|entry| Some(self.of(entry)?.mean)))
    }

    /// The best value of the runs that reached what they were asked for; nothing if there are not two of these.
    pub fn best_of<'a>(&self, runs: impl Iterator<Item = &'a RunRecords>) -> Option<f64> {
        let runs = runs.filter(|run| run.file.status.is_success());
        self.best_value(runs.filter_map(|run| self.of_run(run)))
    }

    fn best_value(&self, values: impl Iterator<Item = f64>) -> Option<f64> {
        let better = self.better?;
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let best = values.iter().copied().reduce(match better {
            Lower => f64::min,
            Higher => f64::max,
        });
        best.filter(|_| values.len() > 1)
    }
}
