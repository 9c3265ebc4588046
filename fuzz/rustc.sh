#!/usr/bin/env bash
# rustc.sh RUSTC ARGUMENT…: for RUSTC_WRAPPER. Compiles this project and the readers of formats that it builds upon with
# the flags that cargo-fuzz gives to every crate. burn's kernels read nothing, and take half an hour and more to compile so.
# cargo does not notice a change of this file: remove the folder of the builds after one.
set -euo pipefail
# `results` and `request` are targets that include modules of the program.
instrumented=" results request flatland_config flatland_data flatland_models flatland_records flatland_report flatland_runner
    burn_store burn_pack pytorch_reader safetensors zip tar toml toml_parser csv csv_core serde_json rmp rmp_serde httparse
    flate2 miniz_oxide "
flags=()
previous=
for argument in "$@"; do
    if [ "$previous" = --crate-name ] && [[ $instrumented =~ [[:space:]]"$argument"[[:space:]] ]]; then
        flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
            -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0)
    fi
    previous=$argument
done
exec "$@" "${flags[@]}"
