//! Grid files.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| experiments::fuzzing::grid(text));
