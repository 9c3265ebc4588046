//! Tuned step sizes: making them, and grids that take them.

use std::path::Path;

use predicates::prelude::*;
use tempfile::TempDir;
use toml::Table;

use super::{experiments, one_run, run_file};

/// The grid of one small run whose only method is `method`, as arguments.
fn small<'a>(command: &[&'a str], methods: &'a str) -> Vec<&'a str> {
    [command, &one_run(&["--set", methods])].concat()
}

fn read(path: &Path) -> Table {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The directories of runs in a folder with their configurations.
fn configurations(folder: &Path) -> Vec<(std::path::PathBuf, Table)> {
    let entries = std::fs::read_dir(folder).unwrap();
    (entries.map(|entry| entry.unwrap().path()))
        .filter(|path| path.is_dir())
        .map(|path| (path.clone(), read(&path.join("config.toml"))))
        .collect()
}

#[test]
fn a_grid_takes_the_step_size_that_was_the_best() {
    let folder = TempDir::new().unwrap();
    let tuned = "methods=[{ name = \"sam\", step_size = \"tuned\", rho = 0.1 }]";
    experiments(folder.path(), &small(&["run"], tuned))
        .assert()
        .code(2)
        .stderr(predicate::str::contains("sam { rho = 0.1,"))
        .stderr(predicate::str::contains("on fashion-mnist × mlp × mse"))
        .stderr(predicate::str::contains("there is no file tuned.toml"))
        .stderr(predicate::str::contains("experiments tune sam"));

    let tune = [
        "tune",
        "sam",
        "--step-sizes",
        "0.1,0.001",
        "--iterations",
        "5",
        "--set",
        "seeds=[42, 43]",
    ];
    experiments(folder.path(), &small(&tune, tuned))
        .assert()
        .code(0)
        .stdout(predicate::str::contains("1 of 1 step sizes chosen"));
    let runs = configurations(&folder.path().join("tune-quick"));
    assert_eq!(runs.len(), 2);
    let mut losses: Vec<(f64, f64)> = (runs.iter())
        .map(|(path, config)| {
            assert_eq!(config["iterations"].as_integer(), Some(5));
            assert_eq!(config["method"]["rho"].as_float(), Some(0.1));
            let loss = run_file(path)["totals"]["final_loss"].as_f64();
            (
                loss.unwrap(),
                config["method"]["step_size"].as_float().unwrap(),
            )
        })
        .collect();
    losses.sort_by(|a, b| a.0.total_cmp(&b.0));
    let best = losses[0].1;

    let file = read(&folder.path().join("tuned.toml"));
    let entry = &file["tuned"][0];
    assert_eq!(entry["method"]["step_size"].as_float(), Some(best));
    assert_eq!(entry["iterations"].as_integer(), Some(5));
    assert_eq!(entry["samples"].as_integer(), Some(60));
    assert_eq!(entry["seed"].as_integer(), Some(42));
    for (loss, step_size) in &losses {
        let candidates = entry["candidates"].as_array().unwrap();
        let candidate = (candidates.iter())
            .find(|candidate| candidate["step_size"].as_float() == Some(*step_size))
            .unwrap();
        assert_eq!(candidate["final_loss"].as_float(), Some(*loss));
        assert_eq!(candidate["status"].as_str(), Some("done"));
    }

    experiments(folder.path(), &small(&["run"], tuned))
        .assert()
        .code(0);
    let runs = configurations(&folder.path().join("quick"));
    assert_eq!(runs[0].1["method"]["step_size"].as_float(), Some(best));
    assert_eq!(runs[0].1["method"]["rho"].as_float(), Some(0.1));
    assert_eq!(runs[0].1["iterations"].as_integer(), Some(7));

    // Not tuned: another ρ, another method.
    for other in [
        "methods=[{ name = \"sam\", step_size = \"tuned\" }]",
        "methods=[{ name = \"gd\", step_size = \"tuned\" }]",
    ] {
        experiments(folder.path(), &small(&["run"], other))
            .assert()
            .code(2)
            .stderr(predicate::str::contains("tuned.toml has no entry"));
    }
}

#[test]
fn what_has_no_best_step_size_is_an_error_and_other_entries_stay() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("mine.toml");
    let tune = |losses, step_sizes| {
        let mut arguments = vec!["tune", "gd", "-o", "mine.toml", "--iterations", "5"];
        arguments.extend(["--by", "accuracy", "--step-sizes", step_sizes]);
        let more = ["--set", losses];
        experiments(folder.path(), &[arguments, one_run(&more)].concat()).assert()
    };
    tune("losses=[\"mse\"]", "0.1,1e30")
        .code(0)
        .stdout(predicate::str::contains("diverged"));
    let before = read(&output)["tuned"][0].clone();
    assert_eq!(before["method"]["step_size"].as_float(), Some(0.1));

    tune("losses=[\"cross-entropy\"]", "1e30,1e31")
        .code(1)
        .stderr(predicate::str::contains(
            "no step size for gd on fashion-mnist × mlp × cross-entropy: every run diverged or failed",
        ));
    assert_eq!(read(&output)["tuned"].as_array().unwrap().len(), 1);

    tune("losses=[\"cross-entropy\"]", "0.01").code(0);
    let after = read(&output);
    assert_eq!(after["tuned"][0], before);
    assert_eq!(after["tuned"][1]["loss"].as_str(), Some("cross-entropy"));

    let grid = "methods=[{ name = \"gd\", step_size = \"tuned\" }]";
    let more = ["--set", "tuned=\"mine.toml\"", "--set", grid];
    experiments(
        folder.path(),
        &small(&["run"], "losses=[\"mse\", \"cross-entropy\"]")
            .into_iter()
            .chain(more)
            .collect::<Vec<_>>(),
    )
    .assert()
    .code(0);
    let mut taken: Vec<_> = (configurations(&folder.path().join("quick")).iter())
        .map(|(_, config)| {
            (
                config["loss"].as_str().unwrap().to_owned(),
                config["method"]["step_size"].as_float().unwrap(),
            )
        })
        .collect();
    taken.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        taken,
        [("cross-entropy".to_owned(), 0.01), ("mse".to_owned(), 0.1)]
    );
}

#[test]
fn a_file_that_cannot_be_merged_into_is_an_error_before_any_run() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("tuned.toml"), "datasets = []").unwrap();
    for (more, part) in [
        (&["--iterations", "5"][..], "tuned.toml does not hold"),
        (&["-o", "nowhere/tuned.toml"], "there is no folder nowhere"),
        (
            &["-o", "new.toml", "--step-sizes", "0.1,-1"],
            "-1 is not positive",
        ),
        (
            &["-o", "new.toml", "--step-sizes", "0.1,1e-1"],
            "0.1 is listed twice",
        ),
    ] {
        let arguments = [&["tune", "sam"], more, &one_run(&[])].concat();
        experiments(folder.path(), &arguments)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(part));
    }
    assert!(!folder.path().join("tune-quick").exists());
}
