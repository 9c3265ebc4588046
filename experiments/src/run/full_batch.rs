//! Every step sees all training samples.

use anyhow::Result;
use flatland_optim::Step;

use super::ending::ending;
use super::training::{Accuracy, Training};
use crate::checkpoint::Place;
use crate::progress::Progress;
use crate::records::Status;

/// Makes the iterations of a full-batch run from the one numbered `first` on. `false` if it was stopped.
pub(super) fn train(run: &mut Training<'_>, first: u64, progress: &mut Progress) -> Result<bool> {
    let cell = run.cell;
    run.file.status = Status::Done;
    for iteration in first..cell.iterations {
        if !run.begin(Place::FullBatch(iteration))? {
            return Ok(false);
        }
        let is_last = iteration + 1 == cell.iterations;
        let is_due = |every: u64| every > 0 && (is_last || iteration.is_multiple_of(every));
        let mut sharpness = is_due(cell.sharpness_every)
            .then(|| run.measure_sharpness())
            .flatten();
        let accuracy = is_due(cell.accuracy_every).then(|| Accuracy {
            train: run.evaluate(),
            test: run.evaluate_test(),
        });

        let computed = run.compute();
        let end = ending(&computed.step);
        let stopped = end.is_some();
        if stopped && sharpness.is_none() && cell.sharpness_every > 0 {
            sharpness = run.measure_sharpness(); // the point has not moved
        }
        let step = &computed.step;
        if run.is_given_up() {
            return Ok(false);
        }
        run.record(iteration, &computed, sharpness, accuracy)?;
        diagnose(run, iteration, step, is_last || stopped)?;
        if run.is_given_up() {
            return Ok(false);
        }
        let last = run.sharpness.as_ref().map(|s| s.lambda_max);
        progress.report(iteration, step, last, None);
        if let Some((status, what)) = end {
            run.file.status = status;
            run.file.reason = Some(format!("at iteration {iteration} {what}"));
            break;
        }
        run.advance(computed.next);
    }
    run.diagnostics.finish(&mut run.tables)?;
    Ok(true)
}

/// Makes the diagnostics that are due at the current point.
fn diagnose(run: &mut Training<'_>, iteration: u64, step: &Step, is_last: bool) -> Result<()> {
    let objective = &mut run.objective.unless(run.flag);
    let tables = &mut run.tables;
    let cost =
        (run.diagnostics).measure(iteration, is_last, objective, &run.point, step, tables)?;
    run.file.totals.measuring_seconds += cost.seconds;
    run.file.totals.hessian_products += cost.products as u64;
    Ok(())
}
