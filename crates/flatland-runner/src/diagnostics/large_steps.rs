//! Whether steps are large in the sense of the paper's Definition 2.3, judged while the run is made.

use anyhow::Result;
use burn::tensor::Tensor;
use flatland_optim::Objective;
use flatland_records::{LargeStepRow, SmoothnessRow, TableWriter, files};
use flatland_sharpness::{Error, SEGMENT_STEP_SIZES, gradient_changes, large_step};
use serde::{Deserialize, Serialize};

/// The segment smoothness `l(w_k, η_k)` along the step taken, as far as gradients at the paper's step sizes below `η_k`
/// and at `η_k` itself see it. It bounds the true one, a supremum over all of the step, from below.
///
/// # Errors
///
/// If the step size is not positive and finite.
pub fn smoothness_along<O: Objective + ?Sized>(
    objective: &mut O,
    point: &Tensor<1>,
    step_size: f64,
) -> Result<f64, Error> {
    let shorter = SEGMENT_STEP_SIZES.into_iter().filter(|t| *t < step_size);
    let step_sizes: Vec<f64> = shorter.chain([step_size]).collect();
    let changes = gradient_changes(objective, point, &step_sizes)?;
    Ok(changes.into_iter().fold(f64::NAN, f64::max))
}

/// Judges the steps of a run. Part (ii) of the definition looks at the following steps, so a verdict is written once
/// one of them has crossed `2/l`, or `P` of them have been measured, or the run is over.
pub struct LargeStepJudge {
    /// `P`
    window: u64,
    pending: Vec<PendingStep>,
}

/// A step `k`, with `η` and `l` of the steps from `k` on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingStep {
    iteration: u64,
    steps: Vec<(f64, f64)>,
}

impl LargeStepJudge {
    /// A judge without pending steps.
    pub fn new(window: u64) -> Self {
        Self {
            window,
            pending: Vec::new(),
        }
    }

    /// The steps whose verdict is open.
    pub fn pending(&self) -> &[PendingStep] {
        &self.pending
    }

    /// Restores the steps whose verdict was open.
    pub fn resume(&mut self, pending: Vec<PendingStep>) {
        self.pending = pending;
    }

    /// Whether a verdict depends on the next step.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes the size of a step and the smoothness along it. While steps are pending, no step may be left out.
    /// `is_judged` says whether this step gets a verdict.
    pub fn see(
        &mut self,
        iteration: u64,
        (step_size, smoothness): (f64, f64),
        is_judged: bool,
        tables: &mut TableWriter,
    ) -> Result<()> {
        let row = SmoothnessRow {
            iteration,
            step_size,
            smoothness,
        };
        tables.write(files::SMOOTHNESS, &row)?;
        if is_judged {
            let steps = Vec::new();
            self.pending.push(PendingStep { iteration, steps });
        }
        for pending in &mut self.pending {
            pending.steps.push((step_size, smoothness));
        }
        let (decided, pending) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|step| step.is_decided(self.window));
        self.pending = pending;
        self.write(decided, tables)
    }

    /// Writes what is known about the pending steps, when the run is over.
    pub fn close(&mut self, tables: &mut TableWriter) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.write(pending, tables)
    }

    fn write(&self, steps: Vec<PendingStep>, tables: &mut TableWriter) -> Result<()> {
        (steps.iter()).try_for_each(|step| tables.write(files::LARGE_STEPS, &step.row(self.window)))
    }
}

impl PendingStep {
    /// A large step after `iteration`, with these sizes and products so far.
    #[cfg(test)]
    pub(crate) fn new(iteration: u64, steps: Vec<(f64, f64)>) -> Self {
        Self { iteration, steps }
    }

    /// How many of the following steps were measured.
    fn followed(&self) -> u64 {
        self.steps.len() as u64 - 1
    }

    fn is_decided(&self, window: u64) -> bool {
        large_step(&self.steps).edge_crossed_after.is_some() || self.followed() >= window
    }

    fn row(&self, window: u64) -> LargeStepRow {
        let verdict = large_step(&self.steps);
        let (step_size, smoothness) = self.steps[0];
        LargeStepRow {
            iteration: self.iteration,
            step_size,
            smoothness,
            inverse_smoothness: 1.0 / smoothness,
            edge: 2.0 / smoothness,
            is_long: verdict.is_long,
            crossed_after: verdict.edge_crossed_after.map(|after| after as u64),
            followed: self.followed(),
            is_large: (!verdict.is_long || self.is_decided(window)).then(|| verdict.holds()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};
    use flatland_records::read_rows;

    use super::*;

    /// `½·curvature·‖w‖²` in two dimensions
    struct Quadratic(f64);

    impl Objective for Quadratic {
        fn dimension(&self) -> usize {
            2
        }

        fn loss(&mut self, _: &Tensor<1>) -> f64 {
            unreachable!("smoothness needs gradients only")
        }

        fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
            (f64::NAN, point.clone() * self.0)
        }
    }

    fn point() -> Tensor<1> {
        let data = TensorData::new(vec![3.0, -4.0], [2]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    /// The verdicts on the steps `judged` of a run with these step sizes and smoothnesses.
    fn verdicts(window: u64, judged: &[u64], steps: &[(f64, f64)]) -> Vec<LargeStepRow> {
        let folder = tempfile::TempDir::new().unwrap();
        let mut tables = TableWriter::new(folder.path());
        tables.start::<SmoothnessRow>(files::SMOOTHNESS).unwrap();
        tables.start::<LargeStepRow>(files::LARGE_STEPS).unwrap();
        let mut judge = LargeStepJudge::new(window);
        for (iteration, &step) in (0..).zip(steps) {
            let is_judged = judged.contains(&iteration);
            if is_judged || judge.has_pending() {
                judge.see(iteration, step, is_judged, &mut tables).unwrap();
            }
        }
        judge.close(&mut tables).unwrap();
        read_rows(&folder.path().join(files::LARGE_STEPS)).unwrap()
    }

    /// Where `l = 4` at every step, `1/l` is 0.25 and `2/l` is 0.5.
    #[test]
    fn on_a_quadratic_the_verdict_follows_from_its_curvature() {
        for (step_size, is_long, crossed_after) in [
            (0.2, false, None),
            (0.26, true, None),
            (0.49, true, None),
            (0.51, true, Some(0)),
            (7.0, true, Some(0)),
        ] {
            let l = smoothness_along(&mut Quadratic(4.0), &point(), step_size).unwrap();
            assert!((l - 4.0).abs() < 1e-10, "{l}");
            let rows = verdicts(2, &[0], &[(step_size, l); 3]);
            let [row] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!((row.is_long, row.crossed_after), (is_long, crossed_after));
            assert_eq!(row.is_large, Some(crossed_after.is_some()), "{row:?}");
            assert!((row.inverse_smoothness - 0.25).abs() < 1e-10);
            assert!((row.edge - 0.5).abs() < 1e-10);
        }
    }

    /// `(1, 1.5)` is long and does not cross `2/l`; `(1, 3)` crosses it; `(1, 0.5)` does neither.
    #[test]
    fn the_edge_must_be_crossed_within_the_window() {
        let (long, across, short) = ((1.0, 1.5), (1.0, 3.0), (1.0, 0.5));
        let verdict = |window: u64, steps: &[(f64, f64)]| {
            let rows = verdicts(window, &[0], steps);
            let [row] = &rows[..] else { panic!("{rows:?}") };
            (row.is_large, row.crossed_after, row.followed)
        };
        let late = [long, short, short, across, long];
        assert_eq!(verdict(3, &late), (Some(true), Some(3), 3));
        assert_eq!(verdict(2, &late), (Some(false), None, 2), "too late");
        assert_eq!(verdict(0, &late), (Some(false), None, 0));
        assert_eq!(verdict(9, &[across, long]), (Some(true), Some(0), 0));
        assert_eq!(
            verdict(3, &[short, across]),
            (Some(false), Some(1), 1),
            "a step must be long itself"
        );
        // The run ends before the window.
        assert_eq!(verdict(3, &[long, short]), (None, None, 1));
        assert_eq!(verdict(3, &[short, short]), (Some(false), None, 1));
        assert_eq!(verdict(3, &[(1.0, f64::NAN)]), (Some(false), None, 0));
    }

    #[test]
    fn windows_may_overlap() {
        let (long, across) = ((1.0, 1.5), (1.0, 3.0));
        let rows = verdicts(2, &[0, 1, 3], &[long, long, long, across, long]);
        let found: Vec<_> = (rows.iter())
            .map(|row| (row.iteration, row.is_large, row.crossed_after))
            .collect();
        let expected = [
            (0, Some(false), None),
            (1, Some(true), Some(2)),
            (3, Some(true), Some(0)),
        ];
        assert_eq!(found, expected);
    }
}
