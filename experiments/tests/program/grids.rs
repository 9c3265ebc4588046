//! Grids and arguments, right and wrong.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use predicates::prelude::*;
use tempfile::TempDir;

use super::experiments;

#[test]
fn every_problem_of_a_grid_is_named_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let grid = folder.path().join("grid.toml");
    std::fs::write(
        &grid,
        "datasets = [\"cifar\"]\nnetworks = [{ name = \"mlp\", depth = 3 }]\n\
         methods = [{ name = \"gd\", step_size = -1.0 }, \"adam\"]\nlosses = []\niterations = 0\nrounds = 3\n",
    )
    .unwrap();
    let mut assert = experiments(folder.path(), &["run", grid.to_str().unwrap()])
        .assert()
        .code(2);
    for problem in [
        "\"cifar\"",
        "cifar10",
        "depth",
        "step_size must be positive and finite, but is -1",
        "\"adam\"",
        "losses = []",
        "iterations = 0: expected a whole number, at least 1",
        "unknown key \"rounds\"",
    ] {
        assert = assert.stderr(predicate::str::contains(problem));
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "only the grid file is there");
}

#[test]
fn wrong_usage_ends_with_code_two_and_the_next_step() {
    let folder = TempDir::new().unwrap();
    let both = "datasets = [\"fashion-mnist\"]\nnetworks = [\"mlp\"]\nmethods = [\"ls\"]\nsamples = 100\nfirst_per_class = 20\n";
    std::fs::write(folder.path().join("both.toml"), both).unwrap();
    for (arguments, message) in [
        (
            vec!["--only", "method=sam"],
            "the grid has no \"sam\"; it has ls, nls",
        ),
        (vec!["--set", "iterations"], "expected key=value"),
        (vec!["--set", "samples=9"], "ask for at least 10 samples"),
        (
            vec!["--set", "first_per_class=501"],
            "first_per_class = 501 on fashion-mnist",
        ),
        (
            vec!["run", "both.toml"],
            "samples and first_per_class: give one of the two",
        ),
        (
            vec!["--set", "datasets=[\"svhn\"]"],
            "datasets/README.md says where to get it",
        ),
        (
            vec!["--set", "chunk=\"large\""],
            "chunk = \"large\": expected \"auto\" or a whole number, at least 1",
        ),
        (
            vec!["--chunk", "0"],
            "expected \"auto\" or a whole number, at least 1",
        ),
        (vec!["--memory", "much"], "invalid value 'much'"),
        (vec!["--preset", "huge"], "possible values: quick, small"),
        (
            vec!["run", "absent.toml"],
            "cannot read the grid absent.toml: give a file, or --preset",
        ),
        (
            vec!["--set", "init=\"absent.safetensors\""],
            "there is no such file",
        ),
    ] {
        experiments(folder.path(), &arguments)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(message));
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "only the grid file is there"
    );
}

/// The paper's step sizes of SAM are those of its problems; any other needs a number, unless `--only` leaves it out.
#[test]
fn sam_asks_for_a_step_size_where_the_paper_has_none() {
    let folder = TempDir::new().unwrap();
    let sam = |step_size: &str, more: &[&str]| {
        let methods = format!("methods=[{{name=\"sam\"{step_size}}}]");
        let datasets = "datasets=[\"cifar10\", \"fashion-mnist\"]";
        let mut arguments = vec!["--set", &methods, "--set", datasets, "--dry-run"];
        arguments.extend_from_slice(more);
        experiments(folder.path(), &arguments).assert()
    };
    let unknown = "the paper has none for cnn on fashion-mnist; it has those for mlp, cnn";
    for step_size in ["", ", step_size=\"paper\""] {
        sam(step_size, &[])
            .code(2)
            .stderr(predicate::str::contains(unknown))
            .stderr(predicate::str::contains("none for cnn on cifar10").not());
        sam(step_size, &["--only", "dataset=cifar10"]).success();
        let entropy = ["--set", "losses=[\"cross-entropy\"]"];
        sam(
            step_size,
            &[&entropy[..], &["--only", "dataset=cifar10"]].concat(),
        )
        .success();
    }
    sam(", step_size=1", &[]).success();
    sam(", step_size=\"best\"", &[])
        .code(2)
        .stderr(predicate::str::contains(
            "step_size must be a number, \"paper\" or \"tuned\", but is \"best\"",
        ));
    sam(", step_size=-1", &[])
        .code(2)
        .stderr(predicate::str::contains(
            "step_size must be positive and finite, but is -1",
        ));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_device_that_is_not_compiled_in_names_the_feature() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &["--device", "wgpu"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "cargo run --release --features wgpu",
        ));
}

#[test]
fn a_dry_run_lists_the_runs_and_writes_nothing() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &["--preset", "small", "--dry-run"])
        .assert()
        .success()
        .stdout(predicate::str::contains("40 runs"))
        .stdout(predicate::str::contains("svhn-cnn-nls-ub-42-"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_data_sets_are_listed() {
    let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
    let folder = TempDir::new().unwrap();
    let mut assert = command
        .args(["data", "--data-dir"])
        .arg(folder.path())
        .assert()
        .success();
    for text in [
        "cifar10",
        "cifar100",
        "svhn",
        "emnist",
        "mnist",
        "built in",
        "train-images-idx3-ubyte.gz is missing",
    ] {
        assert = assert.stdout(predicate::str::contains(text));
    }
}

/// A software Vulkan driver is a GPU to the eye only: `auto` leaves it alone.
#[cfg(feature = "wgpu")]
#[test]
fn auto_never_takes_a_software_adapter() {
    let folder = TempDir::new().unwrap();
    let output = experiments(folder.path(), &["--device", "auto", "--dry-run"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(
        output.status.success() && text.contains("runs on "),
        "{text}"
    );
    assert!(
        !text.contains("llvmpipe") && !text.contains("swiftshader"),
        "{text}"
    );
}

/// Every device that is compiled in computes what it should, and says so.
#[test]
fn the_doctor_finds_the_devices_sound() {
    let folder = TempDir::new().unwrap();
    let devices = [
        Some("flex"),
        cfg!(feature = "ndarray").then_some("ndarray"),
        cfg!(feature = "wgpu").then_some("wgpu"),
    ];
    for device in devices.into_iter().flatten() {
        let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
        (command.args(["doctor", "--device", device]))
            .current_dir(folder.path())
            .assert()
            .success()
            .stdout(predicate::str::contains("sound: 37 checks"))
            .stdout(predicate::str::contains("self-attention"));
    }
}

/// A run on generated kernels is preceded by the doctor, once.
#[cfg(feature = "wgpu")]
#[test]
fn the_doctors_verdict_is_recorded() {
    let folder = TempDir::new().unwrap();
    let run = |iterations| {
        let set = format!("iterations={iterations}");
        let arguments = [
            "--device",
            "wgpu",
            "--only",
            "network=mlp",
            "--only",
            "method=gd",
            "--set",
            "samples=20",
            "--set",
            "sharpness_every=0",
            "--set",
            &set,
        ];
        let output = experiments(folder.path(), &arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).contains("the doctor examines it")
    };
    assert!(run(1));
    assert!(!run(2), "the verdict is kept");
    for run in super::runs(folder.path()) {
        let file = super::run_file(&run);
        assert_eq!(file["provenance"]["doctor"]["sound"], true);
        assert_eq!(file["provenance"]["doctor"]["checks"], 37);
    }
}

/// The paper's grid says what it would take before anything is computed.
#[test]
fn the_papers_grid_is_planned() {
    let folder = TempDir::new().unwrap();
    let output = experiments(
        folder.path(),
        &["run", "--preset", "paper", "--dry-run", "--device", "flex"],
    )
    .output()
    .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |run: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.contains(run)).unwrap();
        (line.split(['│', '┆']).map(|cell| cell.trim().to_owned())).collect()
    };
    // 3 for the gradient and 2 for the trials, each 2 operations for a multiplication, 5000 samples.
    let mlp = line("cifar10-mlp-nls-42");
    assert_eq!(mlp[6..8], ["318,410".to_owned(), "15.9".to_owned()]);
    // Two gradients; a gradient and a Hessian product, which counts for 8.
    assert_eq!(line("cifar10-mlp-sam-42")[7], "19.1");
    assert_eq!(line("cifar10-mlp-cdat-42")[7], "35.0");
    assert_eq!(line("cifar100-wide-resnet50-2-sam")[3], "SAM 0.001");
    assert_eq!(line("svhn-vgg11-cdat")[6], "128,807,306");
    assert!(text.contains("120 runs on flex"));
    assert!(!folder.path().join("paper").exists());
}

/// With `--estimate` the networks are timed.
#[test]
fn a_plan_can_be_timed() {
    let folder = TempDir::new().unwrap();
    let arguments = super::one_run(&["--dry-run", "--estimate"]);
    experiments(folder.path(), &arguments)
        .assert()
        .success()
        .stdout(predicate::str::contains("s/iteration"))
        .stdout(predicate::str::contains("all of them here"));
}

/// Finished runs are held against the paper's claims; a folder without runs is named.
#[test]
fn claims_are_checked() {
    let folder = TempDir::new().unwrap();
    let arguments = super::one_run(&[
        "--set",
        "methods=[\"ls\", \"nls\", \"ponls\", \"nls-ub\", \"cdat\", { name = \"sam\", step_size = 0.1 }]",
        "--set",
        "diagnostics={ every = 3, eigenvalues = 3 }",
        "--set",
        "segment={ at = [1], window = 2 }",
    ]);
    experiments(folder.path(), &arguments).assert().success();
    let check = |path: &std::path::Path| {
        let mut command = assert_cmd::Command::from_std(Command::new(cargo_bin("experiments")));
        command.arg("check").arg(path).assert()
    };
    let output = check(folder.path()).success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.starts_with("6 runs on 1 problem in "), "{text}");
    // Four searches, seven iterations, measured at 0, 3 and 6.
    let searches = text
        .lines()
        .filter(|line| line.contains(": 3 of 3, the least"));
    assert_eq!(searches.count(), 4 + 1, "{text}");
    for line in [
        "CDAT: 3 of 3, the least 2.",
        "NLS: 2 of 2; η ≥ 1/l in 2, η > 2/l within 2 steps in 2; 0 undecided",
        "SAM 0.1: the least",
        "NLS and CDAT:",
        "NLS-ub: λ₁ =",
        "no measured iteration is that flat",
        "=> holds in 6 of 6",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }

    let empty = TempDir::new().unwrap();
    check(empty.path())
        .code(2)
        .stderr(predicate::str::contains("holds no run"));
    // A run of another program, or a torn one, is left out with its reason.
    let run = super::runs(folder.path()).remove(0);
    std::fs::write(run.join("run.json"), "{\"status\": \"do").unwrap();
    check(folder.path())
        .success()
        .stderr(predicate::str::contains("is no run file"))
        .stdout(predicate::str::starts_with("5 runs on 1 problem in "));
}
