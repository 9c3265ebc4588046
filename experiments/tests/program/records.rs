//! What runs leave behind.

use predicates::prelude::*;
use tempfile::TempDir;

use super::{column, experiments, numbers, one_run, run_file, runs, table, weights};

#[test]
fn a_run_leaves_its_configuration_state_records_weights_and_a_picture() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&[]))
        .assert()
        .success()
        .stdout(predicate::str::contains("picture:"));
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };

    let config: toml::Table = std::fs::read_to_string(run.join("config.toml"))
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(config["samples"].as_integer(), Some(60));
    assert_eq!(
        config["method"]["sufficient_decrease"].as_float(),
        Some(1e-4)
    );
    assert_eq!(config["network"]["widths"].as_array().unwrap().len(), 2);

    let file = run_file(run);
    assert_eq!(file["status"], "done");
    assert_eq!(file["totals"]["iterations"], 7);
    assert_eq!(
        file["provenance"]["parameters"],
        784 * 100 + 100 + 100 * 100 + 100 + 1010
    );
    assert_eq!(file["provenance"]["data"].as_array().unwrap().len(), 4);

    let metrics = run.join("metrics.csv");
    assert_eq!(
        table(&metrics).0.join(", "),
        "iteration, loss, step_size, initial_step_size, trials, backtracks, function_evaluations, gradient_norm, \
         reference_value, average_loss, train_accuracy, test_loss, test_accuracy, seconds"
    );
    assert_eq!(
        numbers(&metrics, "iteration"),
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    let measured: Vec<bool> = column(&metrics, "test_accuracy")
        .iter()
        .map(|text| !text.is_empty())
        .collect();
    assert_eq!(measured, [true, false, false, false, true, false, true]);
    let evaluations: f64 = numbers(&metrics, "function_evaluations").iter().sum();
    assert_eq!(
        file["totals"]["function_evaluations"].as_f64(),
        Some(evaluations)
    );

    let sharpness = run.join("sharpness.csv");
    assert_eq!(
        table(&sharpness).0.join(", "),
        "iteration, sharpness, lambda_min, step_size, step_size_times_sharpness, edge, residual, \
         hessian_products, seconds"
    );
    assert_eq!(numbers(&sharpness, "iteration"), [0.0, 3.0, 6.0]);
    let (step_sizes, steps) = (
        numbers(&sharpness, "step_size"),
        numbers(&metrics, "step_size"),
    );
    assert_eq!(step_sizes, [steps[0], steps[3], steps[6]]);
    for (row, sharpness_value) in numbers(&sharpness, "sharpness").into_iter().enumerate() {
        assert!(sharpness_value >= 0.2 * 0.999, "2/K is a floor");
        assert_eq!(
            numbers(&sharpness, "step_size_times_sharpness")[row],
            step_sizes[row] * sharpness_value
        );
        assert_eq!(numbers(&sharpness, "edge")[row], 2.0 / step_sizes[row]);
        assert!(numbers(&sharpness, "residual")[row] <= 1e-3 * sharpness_value);
    }
    let picture =
        std::fs::read_to_string(folder.path().join("quick/fashion-mnist-mlp-mse-42.svg")).unwrap();
    assert!(picture.contains("NLS") && picture.contains("2/K = 0.2"));
    assert!(run.join("weights.safetensors").is_file());
}

/// Every method makes its run, and counts what it evaluates.
#[test]
fn all_methods_run_and_are_recorded_alike() {
    let folder = TempDir::new().unwrap();
    let methods = "methods=[\"ls\", \"nls\", \"ponls\", \"nls-ub\", \"ponos\", \"gd\", \"gd-warmup\", \
                   \"gd-warmup-ub\", \"cdat\", {name=\"sam\", step_size=0.1}]";
    experiments(folder.path(), &one_run(&["--set", methods]))
        .assert()
        .success()
        .stdout(predicate::str::contains("GD-warmup-ub"))
        .stdout(predicate::str::contains("SAM 0.1"));
    let runs = runs(folder.path());
    assert_eq!(runs.len(), 10);
    for run in runs {
        let (file, metrics) = (run_file(&run), run.join("metrics.csv"));
        let name = run.display();
        assert_eq!(file["status"], "done", "{name}");
        let counts = |key: &str| file["totals"][key].as_f64().unwrap();
        let evaluations: f64 = numbers(&metrics, "function_evaluations").iter().sum();
        assert_eq!(counts("function_evaluations"), evaluations, "{name}");
        let (gradients, curvatures) = match name.to_string() {
            name if name.contains("-sam-") => (14.0, 0.0),
            name if name.contains("-cdat-") => (7.0, 7.0),
            _ => (7.0, 0.0),
        };
        assert_eq!(counts("gradient_evaluations"), gradients, "{name}");
        assert_eq!(counts("curvature_evaluations"), curvatures, "{name}");
    }
}

/// SAM's edge is not `2/η`: it follows the norm of the gradient.
#[test]
fn sam_records_its_own_edge_and_the_step_size_it_resolved() {
    let folder = TempDir::new().unwrap();
    let sam = one_run(&[
        "--set",
        "methods=[{name=\"sam\", step_size=0.25, momentum=0, weight_decay=0}]",
    ]);
    experiments(folder.path(), &sam).assert().success();
    let run = runs(folder.path()).remove(0);
    let norms = numbers(&run.join("metrics.csv"), "gradient_norm");
    let edges = numbers(&run.join("sharpness.csv"), "edge");
    for (iteration, edge) in [0, 3, 6].into_iter().zip(edges) {
        let norm = norms[iteration];
        let printed = norm / 0.1 * ((1.0 + 0.4 / (0.25 * norm)).sqrt() - 1.0);
        assert!((edge / printed - 1.0).abs() < 1e-12, "{edge} {printed}");
        assert!(edge < 8.0);
    }
    let config = std::fs::read_to_string(run.join("config.toml")).unwrap();
    for line in ["step_size = 0.25", "rho = 0.05", "momentum = 0.0"] {
        assert!(config.contains(line), "{config}");
    }
}

#[test]
fn a_finished_run_is_skipped_and_a_changed_one_is_another() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&[])).assert().success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    let before = std::fs::read(run.join("metrics.csv")).unwrap();
    experiments(folder.path(), &one_run(&[]))
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "1 of 1 runs were already finished",
        ));
    assert_eq!(
        std::fs::read(run.join("metrics.csv")).unwrap(),
        before,
        "seconds and all"
    );
    experiments(folder.path(), &one_run(&["--set", "seeds=[7]"]))
        .assert()
        .success();
    assert_eq!(runs(folder.path()).len(), 2);
}

#[test]
fn the_first_samples_of_each_class_are_not_a_draw() {
    let folder = TempDir::new().unwrap();
    let mut losses = Vec::new();
    for samples in ["samples=20", "first_per_class=2"] {
        let arguments = one_run(&["--set", samples, "--set", "iterations=1"]);
        let results = folder.path().join(samples);
        std::fs::create_dir(&results).unwrap();
        experiments(&results, &arguments).assert().success();
        let [run] = &runs(&results)[..] else {
            panic!("one run")
        };
        assert_eq!(run_file(run)["provenance"]["train_samples"], 20);
        let (_, rows) = table(&run.join("metrics.csv"));
        losses.push(rows[0][1].clone());
    }
    assert_ne!(losses[0], losses[1]);
}

#[test]
fn the_same_seed_gives_the_same_bits_whatever_the_threads_and_the_jobs() {
    let made = [("1", "1"), ("2", "1"), ("1", "2"), ("3", "4")].map(|(threads, jobs)| {
        let folder = TempDir::new().unwrap();
        let networks = ["--set", "networks=[\"mlp\",\"cnn\"]", "--set", "chunk=20"];
        let arguments = [&networks[..], &["--jobs", jobs]].concat();
        experiments(folder.path(), &one_run(&arguments))
            .env("RAYON_NUM_THREADS", threads)
            .assert()
            .success();
        folder
    });
    let [left, others @ ..] = made.each_ref().map(|folder| runs(folder.path()));
    assert_eq!(left.len(), 2);
    for (left, right) in others.iter().flat_map(|right| left.iter().zip(right)) {
        assert_eq!(left.file_name(), right.file_name());
        for (file, timing) in [("metrics.csv", "seconds"), ("sharpness.csv", "seconds")] {
            let (header, _) = table(&left.join(file));
            for name in header.iter().filter(|name| *name != timing) {
                assert_eq!(
                    column(&left.join(file), name),
                    column(&right.join(file), name),
                    "{file} {name}"
                );
            }
        }
        assert!(
            weights(left) == weights(right),
            "final weights of {}",
            left.display()
        );
    }
}

#[test]
fn weights_of_one_run_start_another() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&["--dtype", "f64"]))
        .assert()
        .success();
    let first = runs(folder.path()).remove(0);
    let init = format!(
        "init={:?}",
        first.join("weights.safetensors").display().to_string()
    );
    experiments(folder.path(), &one_run(&["--dtype", "f64", "--set", &init]))
        .assert()
        .success();
    let second = runs(folder.path())
        .into_iter()
        .find(|run| *run != first)
        .unwrap();
    let final_loss = run_file(&first)["totals"]["final_loss"].as_f64().unwrap();
    assert_eq!(numbers(&second.join("metrics.csv"), "loss")[0], final_loss);
    assert!(run_file(&second)["provenance"]["initial_weights"].is_string());

    let wrong = one_run(&[
        "--dtype",
        "f64",
        "--set",
        &init,
        "--set",
        "networks=[{name=\"mlp\", widths=[9]}]",
    ]);
    experiments(folder.path(), &wrong).assert().code(1);
    let failed = runs(folder.path())
        .into_iter()
        .map(|run| run_file(&run))
        .find(|file| file["status"] == "failed");
    let reason = failed.unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("1.weight") && reason.contains("[9, 784]"),
        "{reason}"
    );
}

/// A file of `torch.save`, in half precision: the run starts at its weights to the last bit.
#[test]
fn weights_of_torch_start_a_run() {
    let folder = TempDir::new().unwrap();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/flatland-models/tests/fixtures/mlp_fashion_mnist.pt"
    );
    let init = format!("init={file:?}");
    let still = one_run(&[
        "--dtype",
        "f64",
        "--set",
        &init,
        "--set",
        "networks=[{name=\"mlp\", widths=[2], activation=\"tanh\"}]",
        "--set",
        "methods=[{name=\"gd\", step_size=1e-30}]",
        "--set",
        "iterations=1",
    ]);
    experiments(folder.path(), &still).assert().success();
    let run = runs(folder.path()).remove(0);
    let bytes = std::fs::read(run.join("weights.safetensors")).unwrap();
    let weights = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for (k, name) in ["1.weight", "1.bias", "3.weight", "3.bias"]
        .iter()
        .enumerate()
    {
        let words = weights.tensor(name).unwrap().data().chunks_exact(8);
        for (i, word) in words.enumerate() {
            let expected = (1 + (7 * k + 3 * i) % 16) as f64 / 16.0;
            assert_eq!(f64::from_le_bytes(word.try_into().unwrap()), expected);
        }
    }
}

/// A run leaves the running statistics it ends with, and one that starts from its file starts with them.
#[test]
fn running_statistics_go_from_one_run_to_another() {
    let folder = TempDir::new().unwrap();
    let short = |more: &[&str]| {
        let mut arguments = one_run(&[
            "--set",
            "networks=[{name=\"cnn\", channels=[4, 4], norm=\"batch\"}]",
            "--set",
            "methods=[{name=\"gd\", step_size=0.01}]",
            "--set",
            "iterations=1",
            "--set",
            "samples=10",
            "--set",
            "sharpness_every=0",
        ]);
        arguments.extend_from_slice(more);
        experiments(folder.path(), &arguments).assert().success()
    };
    short(&["--set", "accuracy_every=0"]);
    let first = runs(folder.path()).remove(0);
    let init = format!(
        "init={:?}",
        first.join("weights.safetensors").display().to_string()
    );
    short(&["--set", "accuracy_every=1", "--set", &init]);
    let second = runs(folder.path())
        .into_iter()
        .find(|run| *run != first)
        .unwrap();
    let loss = run_file(&first)["totals"]["final_test_loss"].as_f64();
    let begun = numbers(&second.join("metrics.csv"), "test_loss")[0];
    assert_eq!(Some(begun), loss);
}

/// The same run on another device: the same losses, but for rounding.
#[cfg(any(feature = "wgpu", feature = "ndarray"))]
#[test]
fn other_devices_agree_with_flex() {
    let others: &[&str] = &[
        #[cfg(feature = "wgpu")]
        "wgpu",
        #[cfg(feature = "ndarray")]
        "ndarray",
    ];
    let measure = |device: &str| {
        let folder = TempDir::new().unwrap();
        let grid = [
            "--set",
            "iterations=20",
            "--set",
            "sharpness_every=19",
            "--set",
            "networks=[\"mlp\", {name=\"cnn\", channels=[4, 4], norm=\"batch\"}]",
            "--set",
            // Below both edges, 2/33 and 2/3.6: beyond them rounding grows from step to step.
            "methods=[{name=\"gd\", step_size=0.02}]",
        ];
        let mut arguments = one_run(&grid);
        arguments[1] = device;
        experiments(folder.path(), &arguments).assert().success();
        let read = |file: &str, name: &str| -> Vec<f64> {
            runs(folder.path())
                .iter()
                .flat_map(|run| numbers(&run.join(file), name))
                .collect()
        };
        (
            read("metrics.csv", "loss"),
            read("sharpness.csv", "sharpness"),
        )
    };
    let (losses, sharpness) = measure("flex");
    for device in others {
        let (other_losses, other_sharpness) = measure(device);
        assert_eq!(other_losses.len(), 40);
        for (left, right) in losses.iter().zip(&other_losses) {
            assert!(
                (left / right - 1.0).abs() < 1e-4,
                "{device}: {left} {right}"
            );
        }
        for (left, right) in sharpness.iter().zip(&other_sharpness) {
            assert!(
                (left / right - 1.0).abs() < 1e-2,
                "{device}: {left} {right}"
            );
        }
    }
}
