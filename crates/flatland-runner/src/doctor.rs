//! The doctor: whether a device computes what it should.
//!
//! Graphics drivers and kernel generators have shipped convolutions and poolings that silently return wrong numbers.
//! Every operator that the networks use is therefore computed on the device and, from the same numbers, in `f64` on
//! flex.

mod checks;
mod networks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use burn::tensor::{DType, Device};
use flatland_config::FloatType;
use flatland_records::disk::{read_file, write_whole};
use flatland_records::{DoctorVerdict, Program};
use tracing::warn;

use crate::device::FoundDevice;
use crate::observer::Observer;
use crate::panics::panic_message;
use checks::{Check, CheckKind, CheckTarget};

/// The result of a check.
pub struct CheckResult {
    /// The name of the check.
    pub name: &'static str,
    kind: CheckKind,
    /// Named quantities with their relative errors, or how the check crashed.
    pub errors: Result<Vec<(&'static str, f64)>, String>,
}

impl CheckResult {
    /// The largest relative error. Infinite if the check crashed.
    pub fn worst(&self) -> f64 {
        match &self.errors {
            Ok(errors) => (errors.iter()).fold(0.0, |worst, &(_, error)| worst.max(error)),
            Err(_) => f64::INFINITY,
        }
    }

    /// Whether the error is not larger than rounding explains.
    pub fn is_sound(&self, dtype: FloatType) -> bool {
        self.worst() <= tolerance(self.kind, dtype)
    }

    fn failure(&self, dtype: FloatType) -> String {
        match &self.errors {
            Ok(_) => format!(
                "{}: relative error {:.1e}, at most {:.0e} is rounding",
                self.name,
                self.worst(),
                tolerance(self.kind, dtype)
            ),
            Err(reason) => format!("{}: {reason}", self.name),
        }
    }
}

/// The largest relative error that rounding explains: a thousand times the error of a sound device, a thousandth of the
/// error of a wrong kernel.
fn tolerance(kind: CheckKind, dtype: FloatType) -> f64 {
    match (kind, dtype) {
        (CheckKind::Operator, FloatType::F32) => 1e-4,
        (CheckKind::Network, FloatType::F32) => 1e-3,
        (CheckKind::Operator, FloatType::F64) => 1e-10,
        (CheckKind::Network, FloatType::F64) => 1e-8,
    }
}

/// The verdict on a device. It is examined once for every device and program; the verdict is kept in `folder`.
///
/// # Errors
///
/// The folder cannot be written to.
pub fn verdict(
    device: &FoundDevice,
    dtype: FloatType,
    folder: &Path,
    program: &Program,
    observer: &dyn Observer,
) -> Result<DoctorVerdict> {
    let described = describe(device);
    let program_name = program.to_string();
    let key = blake3::hash(format!("{described}\n{program_name}\n{dtype}").as_bytes()).to_hex();
    let path = folder.join(format!("doctor-{}.json", &key[..10]));
    let kept = (read_file(&path).ok())
        .and_then(|bytes| serde_json::from_slice::<DoctorVerdict>(&bytes).ok())
        .filter(|verdict| verdict.device == described && verdict.program == program_name);
    if let Some(verdict) = kept {
        return Ok(verdict);
    }
    observer.note(&format!("first run on {described}: the doctor examines it"));
    let (_, verdict) = examine(device, dtype, program, |_, _| ());
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    write_whole(&path, serde_json::to_string_pretty(&verdict)?.as_bytes())?;
    Ok(verdict)
}

/// Asks the doctor about a device that needs it, and notes the verdict in `device`.
///
/// # Errors
///
/// The doctor finds the device unsound, unless `allow_unsound` is given.
pub fn consult(
    device: &mut FoundDevice,
    dtype: FloatType,
    results: &Path,
    allow_unsound: bool,
    program: &Program,
    observer: &dyn Observer,
) -> Result<()> {
    if !device.name.needs_doctor() {
        return Ok(());
    }
    let verdict = verdict(device, dtype, results, program, observer)?;
    if !verdict.sound {
        let failed = verdict.failed.join("; ");
        ensure!(
            allow_unsound,
            "the doctor finds {} unsound: {failed}. See `experiments doctor --device {}`, use --device flex, or take the \
             risk with --allow-unsound-device",
            verdict.device,
            device.name
        );
        warn!("the doctor finds {} unsound: {failed}", verdict.device);
    }
    device.verdict = Some(verdict);
    Ok(())
}

/// The device and what the program was built with that changes its kernels.
fn describe(device: &FoundDevice) -> String {
    let features = [
        (cfg!(feature = "fusion"), "fusion"),
        (cfg!(feature = "autotune"), "autotune"),
        (cfg!(feature = "vulkan"), "vulkan"),
    ];
    let built: Vec<_> = (features.iter())
        .filter_map(|&(on, name)| on.then_some(name))
        .collect();
    match built.as_slice() {
        [] => device.description.clone(),
        built => format!("{}, built with {}", device.description, built.join(", ")),
    }
}

/// Makes every check on a device. `progress` is called before each with its number, from 0, and its name.
pub fn examine(
    device: &FoundDevice,
    dtype: FloatType,
    program: &Program,
    progress: impl Fn(usize, &str),
) -> (Vec<CheckResult>, DoctorVerdict) {
    let target = CheckTarget {
        device: device.device.clone(),
        dtype: DType::from(dtype),
    };
    let reference = CheckTarget {
        device: Device::flex(),
        dtype: DType::F64,
    };
    let results: Vec<_> = (all_checks().iter().enumerate())
        .map(|(number, check)| {
            progress(number, check.name);
            compare(check, &target, &reference)
        })
        .collect();
    let verdict = conclude(&results, describe(device), dtype, program);
    (results, verdict)
}

/// The number of checks.
pub fn count() -> usize {
    all_checks().len()
}

fn all_checks() -> Vec<Check> {
    let mut all = checks::operators();
    all.extend(networks::networks());
    all
}

/// The verdict that follows from all results. There must be some of both kinds.
fn conclude(
    results: &[CheckResult],
    device: String,
    dtype: FloatType,
    program: &Program,
) -> DoctorVerdict {
    let worst = |kind: CheckKind| {
        (results.iter())
            .filter(|result| result.kind == kind)
            .map(|result| (result.name.to_owned(), result.worst()))
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .expect("there are checks of every kind")
    };
    let failed: Vec<String> = (results.iter())
        .filter(|result| !result.is_sound(dtype))
        .map(|result| result.failure(dtype))
        .collect();
    DoctorVerdict {
        sound: failed.is_empty(),
        checks: results.len(),
        failed,
        worst_operator: worst(CheckKind::Operator),
        worst_network: worst(CheckKind::Network),
        device,
        program: program.to_string(),
        examined: jiff::Timestamp::now(),
    }
}

fn compare(check: &Check, target: &CheckTarget, reference: &CheckTarget) -> CheckResult {
    let expected = (check.compute)(reference);
    let found = catch_unwind(AssertUnwindSafe(|| (check.compute)(target)));
    let errors = match found {
        Ok(found) => Ok((found.iter().zip(&expected))
            .map(|((name, found), (_, expected))| (*name, relative_error(found, expected)))
            .collect()),
        Err(panic) => Err(format!("crashed: {}", panic_message(&*panic))),
    };
    CheckResult {
        name: check.name,
        kind: check.kind,
        errors,
    }
}

/// `‖found − expected‖ / ‖expected‖`; infinite if they cannot be compared.
fn relative_error(found: &[f64], expected: &[f64]) -> f64 {
    let norm = |entries: &mut dyn Iterator<Item = f64>| entries.map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(&mut expected.iter().copied());
    let error =
        norm(&mut found.iter().zip(expected).map(|(x, y)| x - y)) / size.max(f64::MIN_POSITIVE);
    if found.len() == expected.len() && error.is_finite() {
        error
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests;
