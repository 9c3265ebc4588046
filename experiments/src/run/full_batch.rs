//! Every step sees all training samples.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use flatland_optim::Step;

use super::ending::ending;
use super::training::{Accuracy, Training};
use crate::diagnostics::Diagnostics;
use crate::progress::Progress;
use crate::records::Status;

/// Makes the iterations of a full-batch run.
pub(super) fn train(
    run: &mut Training<'_>,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<()> {
    let cell = run.cell;
    let mut diagnostics = Diagnostics::create(cell, run.directory, run.point.dims()[0])?;
    run.file.status = Status::Done;
    for iteration in 0..cell.iterations {
        if interrupted.load(Ordering::Relaxed) {
            run.file.status = Status::Interrupted;
            run.file.reason = Some(format!("stopped by the user before iteration {iteration}"));
            break;
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
        if let Some((status, what)) = end {
            run.file.status = status;
            run.file.reason = Some(format!("at iteration {iteration} {what}"));
        }
        if stopped && sharpness.is_none() && cell.sharpness_every > 0 {
            sharpness = run.measure_sharpness(); // the point has not moved
        }
        run.record(iteration, &computed, sharpness, accuracy)?;
        let step = &computed.step;
        diagnose(run, &mut diagnostics, iteration, step, is_last || stopped)?;
        let last = run.sharpness.as_ref().map(|s| s.lambda_max);
        progress.report(iteration, step, last, None);
        if stopped {
            break;
        }
        run.advance(computed.next);
    }
    diagnostics.finish()
}

/// Makes the diagnostics that are due at the current point.
fn diagnose(
    run: &mut Training<'_>,
    diagnostics: &mut Diagnostics,
    iteration: u64,
    step: &Step,
    is_last: bool,
) -> Result<()> {
    let objective = run.objective.inner_mut();
    let cost = diagnostics.measure(iteration, is_last, objective, &run.point, step)?;
    run.file.totals.measuring_seconds += cost.seconds;
    run.file.totals.hessian_products += cost.products as u64;
    Ok(())
}
