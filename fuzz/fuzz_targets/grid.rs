//! Grid files, as far as the list of their runs.
#![no_main]

use flatland_config::{DeviceName, GridSpec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let grid = GridSpec::parse("fuzz", text, "the fuzzer").and_then(GridSpec::check);
    let _ = grid.map(|grid| grid.runs(DeviceName::Flex));
});
