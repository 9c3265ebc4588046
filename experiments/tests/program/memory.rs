//! Budgets of memory.

use std::path::Path;

use predicates::prelude::*;
use tempfile::TempDir;

use super::{experiments, numbers, one_run, runs};

fn config(run: &Path) -> toml::Table {
    let text = std::fs::read_to_string(run.join("config.toml")).unwrap();
    text.parse().unwrap()
}

#[test]
fn an_automatic_chunk_is_recorded_as_its_number() {
    let folder = TempDir::new().unwrap();
    let automatic = one_run(&["--chunk", "auto", "--memory", "300MB"]);
    experiments(folder.path(), &automatic).assert().success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run");
    };
    let config = config(run);
    assert_eq!(config["chunk"].as_integer(), Some(60), "all samples fit");
    assert!(
        !config.contains_key("lanczos_basis"),
        "and so does the basis"
    );

    experiments(folder.path(), &one_run(&["--set", "chunk=60"]))
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "1 of 1 runs were already finished",
        ));
}

#[test]
fn the_basis_shrinks_where_memory_is_short_and_the_sharpness_is_the_same() {
    let folder = TempDir::new().unwrap();
    for memory in ["95MB", "1GB"] {
        experiments(folder.path(), &one_run(&["--memory", memory]))
            .assert()
            .success();
    }
    let mut runs = runs(folder.path());
    runs.sort_by_key(|run| config(run).contains_key("lanczos_basis"));
    let [default, short] = &runs[..] else {
        panic!("two runs with two configurations");
    };
    let basis = config(short)["lanczos_basis"].as_integer().unwrap();
    assert!((8..24).contains(&basis), "{basis} vectors");
    let measured = |run: &Path| numbers(&run.join("sharpness.csv"), "sharpness");
    for (short, default) in measured(short).iter().zip(measured(default)) {
        assert!((short / default - 1.0).abs() < 1e-4, "{short} {default}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_need_and_what_would_fit() {
    let folder = TempDir::new().unwrap();
    let network = |name| format!("networks=[\"{name}\"]");
    for (name, arguments, messages) in [
        (
            "cnn",
            vec!["--chunk", "1000", "--memory", "250MB"],
            vec![
                "cnn on fashion-mnist: a chunk of 1000 samples needs",
                "--memory allows 250.0 MB",
                "the largest chunk that fits is ",
                "--chunk auto",
            ],
        ),
        (
            "vgg11",
            vec!["--chunk", "auto", "--memory", "2GB"],
            vec![
                "a single sample needs",
                "sharpness_every = 0, which needs 1",
            ],
        ),
        (
            "densenet121",
            vec!["--chunk", "auto", "--memory", "900MB"],
            vec!["batch normalization", "a part of the objective"],
        ),
    ] {
        let network = network(name);
        let mut all = vec![
            "--device",
            "flex",
            "--set",
            &network,
            "--set",
            "samples=5000",
        ];
        all.extend(arguments);
        let mut assert = experiments(folder.path(), &all).assert().code(2);
        for message in messages {
            assert = assert.stderr(predicate::str::contains(message));
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing was written");
}

#[test]
fn automatic_chunks_grow_with_the_budget_but_a_ghost_batch_does_not() {
    let folder = TempDir::new().unwrap();
    let plan = |network: &str, memory: &str| {
        let network = format!("networks=[\"{network}\"]");
        let arguments = [
            "--set",
            &network,
            "--device",
            "flex",
            "--chunk",
            "auto",
            "--memory",
            memory,
            "--dry-run",
        ];
        let output = experiments(folder.path(), &arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, after) = text.split_once("chunks of ").expect(&text);
        after.split(' ').next().unwrap().parse::<usize>().unwrap()
    };
    let [small, large, all] = ["200MB", "210MB", "1GB"].map(|memory| plan("cnn", memory));
    assert!(0 < small && small < large, "{small} {large}");
    assert_eq!(all, 200, "no more than there are samples");
    assert_eq!(plan("densenet121", "10GB"), 100);
    assert_eq!(plan("densenet121", "20GB"), 100);
}
