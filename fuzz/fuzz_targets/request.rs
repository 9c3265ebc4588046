//! Requests to `experiments serve`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|head: &[u8]| experiments::fuzzing::request(head));
