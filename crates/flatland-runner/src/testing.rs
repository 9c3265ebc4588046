//! Configurations for tests.

use flatland_config::{DeviceName, GridSpec, RunConfig};

/// A run of the CNN on 5,000 images of CIFAR-10 that takes one step and measures its sharpness.
pub fn run_config() -> RunConfig {
    let grid = "datasets = ['cifar10']\nnetworks = ['cnn']\nmethods = ['gd']\nseeds = [0]\niterations = 1\n\
                chunk = 50\nsharpness_every = 1\naccuracy_every = 0";
    let grid = GridSpec::parse("test", grid, "test").and_then(GridSpec::check);
    grid.unwrap().runs(DeviceName::Flex).remove(0)
}
