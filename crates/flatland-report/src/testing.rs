//! Runs for tests.

use std::path::PathBuf;

use flatland_config::{DeviceName, GridSpec, RunConfig, Status};
use flatland_records::{Owner, Program, Provenance, RunFile, RunRecords};

/// A run of the CNN on 5,000 images of CIFAR-10 that takes one step and measures its sharpness.
pub fn run_config() -> RunConfig {
    let grid = "datasets = ['cifar10']\nnetworks = ['cnn']\nmethods = ['gd']\nseeds = [0]\niterations = 1\n\
                chunk = 50\nsharpness_every = 1\naccuracy_every = 0";
    let grid = GridSpec::parse("test", grid, "test").and_then(GridSpec::check);
    grid.unwrap().runs(DeviceName::Flex).remove(0)
}

/// A run of this configuration that recorded no row.
pub fn run_of(config: RunConfig, status: Status, final_loss: Option<f64>) -> RunRecords {
    let program = Program {
        version: String::new(),
        git_commit: String::new(),
    };
    let owner = Owner {
        pid: 1,
        host: String::new(),
    };
    let provenance = Provenance::new(&program, String::new(), 1);
    let mut file = RunFile::new(status, owner, provenance);
    file.totals.final_loss = final_loss;
    RunRecords::without_rows(PathBuf::new(), config, file)
}
