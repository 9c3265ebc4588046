//! `experiments doctor`: does a device compute what it should?

use anyhow::Result;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use flatland_config::{DeviceName, FloatType};
use flatland_runner::FoundDevice;
use flatland_runner::doctor::{self, CheckResult};
use indicatif::{ProgressBar, ProgressStyle};

use crate::exit::Ending;
use crate::program::program;
use crate::terminal::{choice, show};

#[derive(Debug, Args)]
#[command(
    long_about = "Check a device: every operator's value, tangent, gradient and Hessian product, and those of small \
        networks, against the same numbers in double precision on flex.\n\n\
        Graphics drivers and generated kernels can be wrong without a word. A run on wgpu or cuda is preceded by this \
        check, once for every device and build; its verdict is kept in the results folder and in run.json.\n\n\
        Exit code: 0 sound, 1 not sound, 2 the device cannot be used."
)]
pub struct DoctorArgs {
    /// The device to check.
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = choice::<DeviceName>())]
    pub device: DeviceName,
    /// Float type to compute in.
    #[arg(long, value_name = "DTYPE", default_value = "f32", value_parser = choice::<FloatType>())]
    pub dtype: FloatType,
}

/// `experiments doctor`
pub fn run(arguments: &DoctorArgs) -> Result<Ending> {
    let device = FoundDevice::find(arguments.device, arguments.dtype)?;
    let bar = ProgressBar::new(doctor::count() as u64).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("the template is valid"),
    );
    let progress = |number: usize, name: &str| {
        bar.set_message(name.to_owned());
        bar.set_position(number as u64 + 1);
    };
    let (results, verdict) = doctor::examine(&device, arguments.dtype, &program(), progress);
    bar.finish_and_clear();
    show!("{}", table(&results, arguments.dtype));
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

fn table(results: &[CheckResult], dtype: FloatType) -> Table {
    let mut table = Table::new();
    (table.load_style(presets::UTF8_FULL_CONDENSED)).set_header([
        "check",
        "relative errors",
        "worst",
        "verdict",
    ]);
    for result in results {
        let errors = match &result.errors {
            Ok(errors) => (errors.iter())
                .map(|(name, error)| format!("{name} {error:.0e}"))
                .collect::<Vec<_>>()
                .join("  "),
            Err(reason) => reason.clone(),
        };
        let verdict = if result.is_sound(dtype) {
            "ok"
        } else {
            "WRONG"
        };
        table.add_row([
            result.name.to_owned(),
            errors,
            format!("{:.1e}", result.worst()),
            verdict.to_owned(),
        ]);
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
