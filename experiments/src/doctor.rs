//! `experiments doctor`: does a device compute what it should?
//!
//! Graphics drivers and kernel generators have shipped convolutions and poolings that are wrong without a word. Every
//! operator that the networks use is therefore computed on the device and, from the same numbers, in `f64` on flex.

mod checks;
mod networks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::{DType, Device};
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use crate::cell::FloatType;
use crate::cli::DoctorArgs;
use crate::device::FoundDevice;
use crate::records::write_whole;
use crate::say::{say, show};
use crate::session::{Ending, panic_message};
use checks::{Check, Kind, Place};

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every check passed.
    pub sound: bool,
    /// Checks made.
    pub checks: usize,
    /// The checks that failed, each with its reason.
    pub failed: Vec<String>,
    /// The largest relative error of an operator, and which it was.
    pub worst_operator: (String, f64),
    /// The largest relative error of a network, and which it was.
    pub worst_network: (String, f64),
    /// The device examined, and how the program was built.
    pub device: String,
    /// Version and commit of the program that examined it.
    pub program: String,
    /// When.
    pub examined: jiff::Timestamp,
}

/// One check's errors, or how it crashed.
struct Finding {
    name: &'static str,
    kind: Kind,
    /// Named quantities with their relative errors.
    errors: Result<Vec<(&'static str, f64)>, String>,
}

impl Finding {
    /// The largest error; infinite where nothing came out.
    fn worst(&self) -> f64 {
        match &self.errors {
            Ok(errors) => (errors.iter()).fold(0.0, |worst, &(_, error)| worst.max(error)),
            Err(_) => f64::INFINITY,
        }
    }

    fn is_sound(&self, dtype: FloatType) -> bool {
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

/// The largest relative error that rounding explains: a thousand times what a sound device shows, a thousandth of what
/// a wrong kernel does.
fn tolerance(kind: Kind, dtype: FloatType) -> f64 {
    match (kind, dtype) {
        (Kind::Operator, FloatType::F32) => 1e-4,
        (Kind::Network, FloatType::F32) => 1e-3,
        (Kind::Operator, FloatType::F64) => 1e-10,
        (Kind::Network, FloatType::F64) => 1e-8,
    }
}

/// `experiments doctor`
pub fn run(arguments: &DoctorArgs) -> Result<Ending> {
    let device = arguments.device.find(arguments.dtype)?;
    let (findings, verdict) = examine(&device, arguments.dtype);
    show!("{}", table(&findings, arguments.dtype));
    show!("{} in {}", verdict.device, arguments.dtype);
    if verdict.sound {
        let ((operator, error), (network, network_error)) =
            (&verdict.worst_operator, &verdict.worst_network);
        show!(
            "sound: {} checks against f64 on flex; largest relative error {error:.1e} ({operator}), \
             of a whole network {network_error:.1e} ({network})",
            verdict.checks
        );
        return Ok(Ending::Success);
    }
    show!("NOT SOUND: do not trust results of this device with this build.");
    for failure in &verdict.failed {
        show!("  {failure}");
    }
    show!("Try another driver, another build (without fusion or autotune), or --device flex.");
    Ok(Ending::SomeFailed)
}

/// The verdict on a device, examined once for every device and program: it is kept in `folder`.
pub fn verdict(device: &FoundDevice, dtype: FloatType, folder: &Path) -> Result<Verdict> {
    let described = describe(device);
    let key = blake3::hash(format!("{described}\n{}\n{dtype}", program()).as_bytes()).to_hex();
    let path = folder.join(format!("doctor-{}.json", &key[..10]));
    let kept = (std::fs::read(&path).ok())
        .and_then(|bytes| serde_json::from_slice::<Verdict>(&bytes).ok())
        .filter(|verdict| verdict.device == described && verdict.program == program());
    if let Some(verdict) = kept {
        return Ok(verdict);
    }
    say!("first run on {described}: the doctor examines it");
    let (_, verdict) = examine(device, dtype);
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    write_whole(&path, serde_json::to_string_pretty(&verdict)?.as_bytes())?;
    Ok(verdict)
}

fn program() -> String {
    format!(
        "{} ({})",
        env!("CARGO_PKG_VERSION"),
        env!("FLATLAND_GIT_COMMIT")
    )
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

fn examine(device: &FoundDevice, dtype: FloatType) -> (Vec<Finding>, Verdict) {
    let place = Place {
        device: device.device.clone(),
        dtype: DType::from(dtype),
    };
    let reference = Place {
        device: Device::flex(),
        dtype: DType::F64,
    };
    let mut all = checks::operators();
    all.extend(networks::networks());
    let bar = indicatif::ProgressBar::new(all.len() as u64).with_style(
        indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
            .expect("the template is valid"),
    );
    let findings: Vec<_> = (all.iter())
        .map(|check| {
            bar.set_message(check.name);
            bar.inc(1);
            compare(check, &place, &reference)
        })
        .collect();
    bar.finish_and_clear();
    let verdict = conclude(&findings, describe(device), dtype);
    (findings, verdict)
}

/// What follows from all findings on a device. There must be some of both kinds.
fn conclude(findings: &[Finding], device: String, dtype: FloatType) -> Verdict {
    let worst = |kind: Kind| {
        (findings.iter())
            .filter(|finding| finding.kind == kind)
            .map(|finding| (finding.name.to_owned(), finding.worst()))
            .max_by(|left, right| left.1.total_cmp(&right.1))
            .expect("there are checks of every kind")
    };
    let failed: Vec<String> = (findings.iter())
        .filter(|finding| !finding.is_sound(dtype))
        .map(|finding| finding.failure(dtype))
        .collect();
    Verdict {
        sound: failed.is_empty(),
        checks: findings.len(),
        failed,
        worst_operator: worst(Kind::Operator),
        worst_network: worst(Kind::Network),
        device,
        program: program(),
        examined: jiff::Timestamp::now(),
    }
}

fn compare(check: &Check, place: &Place, reference: &Place) -> Finding {
    let expected = (check.compute)(reference);
    let found = catch_unwind(AssertUnwindSafe(|| (check.compute)(place)));
    let errors = match found {
        Ok(found) => Ok((found.iter().zip(&expected))
            .map(|((name, found), (_, expected))| (*name, relative_error(found, expected)))
            .collect()),
        Err(panic) => Err(format!("crashed: {}", panic_message(&*panic))),
    };
    Finding {
        name: check.name,
        kind: check.kind,
        errors,
    }
}

/// `‖found − expected‖ / ‖expected‖`; infinite where they cannot be compared.
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

fn table(findings: &[Finding], dtype: FloatType) -> Table {
    let mut table = Table::new();
    (table.load_style(presets::UTF8_FULL_CONDENSED)).set_header([
        "check",
        "relative errors",
        "worst",
        "verdict",
    ]);
    for finding in findings {
        let errors = match &finding.errors {
            Ok(errors) => (errors.iter())
                .map(|(name, error)| format!("{name} {error:.0e}"))
                .collect::<Vec<_>>()
                .join("  "),
            Err(reason) => reason.clone(),
        };
        let verdict = match finding.is_sound(dtype) {
            true => "ok",
            false => "WRONG",
        };
        table.add_row([
            finding.name.to_owned(),
            errors,
            format!("{:.1e}", finding.worst()),
            verdict.to_owned(),
        ]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests;
