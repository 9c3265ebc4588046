//! Every step sees all training samples.

use anyhow::Result;
use flatland_config::Status;
use flatland_optim::Step;

use super::stop_reason::stop_reason;
use super::training::{Accuracies, Training};
use crate::checkpoint::RunPosition;

/// Makes the iterations of a full-batch run from `first` on. Returns `false` if the run was asked to stop.
pub(super) fn train(run: &mut Training<'_>, first: u64) -> Result<bool> {
    let config = run.config;
    run.file.status = Status::Done;
    for iteration in first..config.iterations {
        if !run.begin(RunPosition::FullBatch(iteration))? {
            return Ok(false);
        }
        let is_last = iteration + 1 == config.iterations;
        let is_due = |every: u64| every > 0 && (is_last || iteration.is_multiple_of(every));
        let mut sharpness = is_due(config.sharpness_every)
            .then(|| run.measure_sharpness())
            .flatten();
        let accuracy = is_due(config.accuracy_every).then(|| Accuracies {
            train: run.evaluate(),
            test: run.evaluate_test(),
        });

        let computed = run.compute();
        let end = stop_reason(&computed.step);
        let stopped = end.is_some();
        if stopped && sharpness.is_none() && config.sharpness_every > 0 {
            sharpness = run.measure_sharpness(); // the point has not moved
        }
        let step = &computed.step;
        if run.is_stopped() {
            return Ok(false);
        }
        run.record(iteration, &computed, sharpness, accuracy)?;
        diagnose(run, iteration, step, is_last || stopped)?;
        if run.is_stopped() {
            return Ok(false);
        }
        run.report(iteration, step, None);
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

/// Measures the diagnostics that are due at the current point.
fn diagnose(run: &mut Training<'_>, iteration: u64, step: &Step, is_last: bool) -> Result<()> {
    let objective = &mut run.objective.interruptible(run.stop.flag());
    let tables = &mut run.tables;
    let cost =
        (run.diagnostics).measure(iteration, is_last, objective, &run.point, step, tables)?;
    run.file.totals.measuring_seconds += cost.seconds;
    run.file.totals.hessian_products += cost.products as u64;
    Ok(())
}
