//! Runs for tests, as their records.

use std::path::Path;

use flatland_config::{DeviceName, GridSpec, RunConfig, Status};
use flatland_records::{
    MetricsRow, Owner, Provenance, RunFile, SharpnessRow, TableWriter, files, write_config,
};

use crate::program::program;

/// A run of the CNN on 5,000 images of CIFAR-10.
pub fn run_config() -> RunConfig {
    let grid = "datasets = ['cifar10']\nnetworks = ['cnn']\nmethods = ['gd']\nseeds = [0]\niterations = 100\n\
                chunk = 50\nsharpness_every = 1\naccuracy_every = 0";
    let grid = GridSpec::parse("test", grid, "test").and_then(GridSpec::check);
    grid.unwrap().runs(DeviceName::Flex).remove(0)
}

/// Writes `config.toml` and `run.json` of a run without an owner.
fn start(directory: &Path, config: &RunConfig, status: Status) -> RunFile {
    std::fs::create_dir_all(directory).unwrap();
    write_config(directory, config).unwrap();
    let provenance = Provenance::new(&program(), String::new(), 1);
    let mut file = RunFile::new(status, Owner::this(), provenance);
    file.owner = None;
    file.totals.final_loss = Some(0.5);
    file.write(directory).unwrap();
    file
}

/// A run under way, with so many rows of `metrics.csv`.
pub fn write_run(directory: &Path, rows: u64) {
    start(directory, &run_config(), Status::Running);
    let mut tables = TableWriter::new(directory);
    tables.start::<MetricsRow>(files::METRICS).unwrap();
    for iteration in 0..rows {
        tables
            .write(files::METRICS, &metrics_row(iteration, 0.125))
            .unwrap();
    }
}

/// A run of 100 iterations in `folder`, with so many rows of `metrics.csv` and one of `sharpness.csv`.
pub fn run(folder: &Path, name: &str, status: Status, rows: u64, product: f64) {
    let directory = folder.join(name);
    let mut config = run_config();
    config.seed = name.bytes().map(u64::from).sum();
    let mut file = start(&directory, &config, status);
    if status == Status::Failed {
        file.reason = Some("panicked: out of luck".to_owned());
        file.write(&directory).unwrap();
    }
    let mut tables = TableWriter::new(&directory);
    tables.start::<MetricsRow>(files::METRICS).unwrap();
    for iteration in 0..rows {
        let row = metrics_row(iteration, 0.5_f64.powi(iteration as i32));
        tables.write(files::METRICS, &row).unwrap();
    }
    tables.start::<SharpnessRow>(files::SHARPNESS).unwrap();
    let row = sharpness_row(0, 4.0 * product, 0.25);
    tables.write(files::SHARPNESS, &row).unwrap();
}

/// Adds a row to `sharpness.csv`.
pub fn append_measurement(directory: &Path, iteration: u64, sharpness: f64, step_size: f64) {
    let other = tempfile::TempDir::new().unwrap();
    let mut tables = TableWriter::new(other.path());
    tables.start::<SharpnessRow>(files::SHARPNESS).unwrap();
    let row = sharpness_row(iteration, sharpness, step_size);
    tables.write(files::SHARPNESS, &row).unwrap();
    let text = std::fs::read_to_string(other.path().join(files::SHARPNESS)).unwrap();
    let row = text.lines().nth(1).unwrap();
    let path = directory.join(files::SHARPNESS);
    let rows = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{rows}{row}\n")).unwrap();
}

fn metrics_row(iteration: u64, loss: f64) -> MetricsRow {
    MetricsRow {
        iteration,
        loss,
        step_size: 0.25,
        initial_step_size: None,
        trials: 2,
        backtracks: 0,
        function_evaluations: 2,
        gradient_norm: 1.0,
        reference_value: None,
        average_loss: None,
        train_accuracy: None,
        test_loss: None,
        test_accuracy: None,
        seconds: 0.1 * (iteration + 1) as f64,
    }
}

fn sharpness_row(iteration: u64, sharpness: f64, step_size: f64) -> SharpnessRow {
    SharpnessRow {
        iteration,
        sharpness,
        lambda_min: -0.5,
        step_size,
        step_size_times_sharpness: step_size * sharpness,
        edge: None,
        residual: 0.0,
        hessian_products: 1,
        seconds: 0.0,
    }
}
