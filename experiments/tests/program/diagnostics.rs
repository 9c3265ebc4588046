//! Measurements of the early phase and along steps.

use predicates::prelude::*;
use tempfile::TempDir;

use super::{column, experiments, numbers, one_run, run_file, runs, table};

#[test]
fn diagnostics_and_segments_are_recorded_where_the_grid_asks() {
    let folder = TempDir::new().unwrap();
    let more = [
        "--set",
        "diagnostics={every=2, from=1, to=4, eigenvalues=13}",
        "--set",
        "segment={at=[0, 2, 1000]}",
    ];
    let mut listed = experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    for (name, texts) in [
        ("fashion-mnist-mlp-mse-42", vec!["<title>"]),
        (
            "fashion-mnist-mlp-mse-42-nls-early",
            vec!["<title>", "2/K = 0.2"],
        ),
        (
            "fashion-mnist-mlp-mse-42-nls-segment",
            vec!["<title>", "iteration 2: ", "iteration 6: "],
        ),
    ] {
        let path = folder.path().join("quick").join(format!("{name}.svg"));
        let picture = std::fs::read_to_string(&path).unwrap();
        for text in texts {
            assert!(picture.contains(text), "{name} has no {text}");
        }
        let line = format!("picture: {}\n", path.display());
        listed = listed.stdout(predicate::str::contains(line));
    }
    let metrics = run.join("metrics.csv");

    let rows = run.join("diagnostics.csv");
    let eigenvalues: Vec<String> = (1..=13).map(|rank| format!("eigenvalue_{rank}")).collect();
    assert_eq!(
        table(&rows).0.join(","),
        format!(
            "iteration,trace,trace_standard_error,trace_probes,{},eigenvalue_residual,gradient_norm_mean,\
             gradient_norm_min,gradient_norm_max,gradient_norm_last_bias,zero_gradient_share,\
             dead_activation_share,pairing,hessian_products,seconds",
            eigenvalues.join(",")
        )
    );
    assert_eq!(numbers(&rows, "iteration"), [1.0, 3.0]);
    let gradients = numbers(&metrics, "gradient_norm");
    for (row, gradient) in [gradients[1], gradients[3]].into_iter().enumerate() {
        let at = |name: &str| numbers(&rows, name)[row];
        let values: Vec<f64> = eigenvalues.iter().map(|name| at(name)).collect();
        assert!(values.is_sorted_by(|x, y| x.abs() >= y.abs()), "{values:?}");
        assert!(
            values
                .iter()
                .take(10)
                .filter(|value| **value > 0.199)
                .count()
                >= 9
        );
        assert!(
            at("trace") > 2.0 - 5.0 * at("trace_standard_error"),
            "the bias block"
        );
        assert!((2.0..=100.0).contains(&at("trace_probes")));
        assert!(at("eigenvalue_residual") <= 1e-3 * values[0]);
        assert!((0.0..=1.0).contains(&at("pairing")));
        // The norms of the parts make up the norm of the whole: 5 hidden ones and the last bias.
        let (last, max) = (at("gradient_norm_last_bias"), at("gradient_norm_max"));
        assert!(last.hypot(max) <= gradient * 1.00001);
        assert!(last.hypot(max * 5f64.sqrt()) >= gradient * 0.99999);
        let (mean, min) = (at("gradient_norm_mean"), at("gradient_norm_min"));
        assert!(0.0 < min && min < mean && mean < max);
        // ReLUs that are off leave zeros in the gradient of what they feed.
        assert!(at("dead_activation_share") > 0.1 && at("dead_activation_share") < 1.0);
        assert!((0.0..0.9).contains(&at("zero_gradient_share")));
    }

    let norms = run.join("gradient_norms.csv");
    let (header, parts) = table(&norms);
    assert_eq!(header.join(","), "iteration,parameter,norm");
    let names: Vec<&str> = parts.iter().map(|row| row[1].as_str()).collect();
    let (first, second) = names.split_at(6);
    assert_eq!(first, second, "the same parameters in both iterations");
    assert_eq!((first[0], first[5]), ("1.weight", "5.bias"));
    for (place, k) in [1, 3].into_iter().enumerate() {
        let of_k = &numbers(&norms, "norm")[6 * place..][..6];
        let whole = of_k.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
        assert!((whole / gradients[k] - 1.0).abs() < 1e-5);
        let last = numbers(&rows, "gradient_norm_last_bias")[place];
        assert_eq!(of_k[5], last);
        assert_eq!(numbers(&norms, "iteration")[6 * place], k as f64);
    }

    let points = run.join("segment.csv");
    assert_eq!(
        table(&points).0.join(","),
        "iteration,step_size,t,gradient_change,curvature,hessian_norm,sharpness"
    );
    let (iterations, steps) = (
        numbers(&points, "iteration"),
        numbers(&metrics, "step_size"),
    );
    let mut listed = iterations.clone();
    listed.dedup();
    assert_eq!(listed, [0.0, 2.0, 6.0], "the last iteration too");
    let sharpness = run.join("sharpness.csv");
    for (row, k) in iterations.iter().map(|k| *k as usize).enumerate() {
        let at = |name: &str| numbers(&points, name)[row];
        assert_eq!(at("step_size"), steps[k]);
        assert!(at("curvature").abs() <= at("hessian_norm") * 1.00001);
        assert!(at("curvature") <= at("sharpness") * 1.001);
        assert!(at("gradient_change") > 0.0 && at("sharpness") >= 0.1999);
        if at("t") == 0.001 && k % 3 == 0 {
            let measured = numbers(&sharpness, "sharpness")[k / 3];
            let ratio = at("sharpness") / measured;
            assert!(
                (ratio - 1.0).abs() < 0.02,
                "near w_k the sharpness is that at w_k"
            );
        }
    }
    for (k, step) in [0, 2, 6].map(|k| (k as f64, steps[k])) {
        let all = iterations.iter().zip(numbers(&points, "t"));
        let of_step: Vec<f64> = all.filter(|(at, _)| **at == k).map(|(_, t)| t).collect();
        let own = of_step.iter().filter(|t| **t == step).count();
        assert_eq!(own, 1, "{of_step:?} holds {step} once");
        let known = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
        assert_eq!(of_step[..9], known);
    }

    // The verdicts of Definition 2.3 follow from the smoothness along the steps.
    let (smoothness, verdicts) = (run.join("smoothness.csv"), run.join("large_steps.csv"));
    assert_eq!(
        table(&smoothness).0.join(","),
        "iteration,step_size,smoothness"
    );
    assert_eq!(
        table(&verdicts).0.join(","),
        "iteration,step_size,smoothness,inverse_smoothness,edge,is_long,crossed_after,followed,is_large"
    );
    assert_eq!(numbers(&verdicts, "iteration"), [0.0, 2.0, 6.0]);
    let (seen, l) = (
        numbers(&smoothness, "iteration"),
        numbers(&smoothness, "smoothness"),
    );
    for (row, k) in [0, 2, 6].into_iter().enumerate() {
        // The gradient's change at the points up to the step's end.
        let changes = numbers(&points, "gradient_change");
        let along = (iterations.iter().zip(numbers(&points, "t")).zip(changes))
            .filter(|((at, t), _)| **at == k as f64 && *t <= steps[k])
            .map(|(_, change)| change);
        let at = |name: &str| numbers(&verdicts, name)[row];
        assert_eq!(at("smoothness"), along.fold(0.0, f64::max));
        assert_eq!(at("step_size"), steps[k]);
        assert_eq!(at("inverse_smoothness"), 1.0 / at("smoothness"));
        assert_eq!(at("edge"), 2.0 / at("smoothness"));
        let is_long = steps[k] >= at("inverse_smoothness");
        assert_eq!(column(&verdicts, "is_long")[row], is_long.to_string());
        // Each step from k on until one crosses 2/l was looked at, and none after.
        let followed = at("followed") as usize;
        let first = seen.iter().position(|i| *i == k as f64).unwrap();
        let crossed: Vec<bool> = (0..=followed)
            .map(|p| {
                assert_eq!(seen[first + p], (k + p) as f64);
                steps[k + p] * l[first + p] > 2.0
            })
            .collect();
        let expected = crossed.iter().position(|crossed| *crossed);
        assert_eq!(
            column(&verdicts, "crossed_after")[row],
            expected.map_or(String::new(), |p| p.to_string())
        );
        assert!(expected.is_none_or(|p| p == followed));
        assert!(
            expected.is_some() || k + followed == 6,
            "ten steps, or the end"
        );
    }

    // What they cost is in the totals.
    let products: f64 = numbers(&rows, "hessian_products").iter().sum();
    let sharpness_products: f64 = numbers(&sharpness, "hessian_products").iter().sum();
    let total = run_file(run)["totals"]["hessian_products"]
        .as_f64()
        .unwrap();
    assert!(total >= products + sharpness_products + 2.0 * iterations.len() as f64);
    let evaluations: f64 = numbers(&metrics, "function_evaluations").iter().sum();
    assert_eq!(
        run_file(run)["totals"]["function_evaluations"].as_f64(),
        Some(evaluations),
        "the method's own count is untouched"
    );
}

/// Small steps cross no edge: each is followed as far as the window, or the run, goes.
#[test]
fn small_steps_are_followed_and_found_not_to_be_large() {
    let folder = TempDir::new().unwrap();
    let more = [
        "--set",
        "methods=[{name=\"gd\", step_size=0.001}]",
        "--set",
        "segment={at=[1, 4], window=2}",
    ];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    let [run] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    let (smoothness, verdicts) = (run.join("smoothness.csv"), run.join("large_steps.csv"));
    assert_eq!(
        numbers(&smoothness, "iteration"),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(numbers(&verdicts, "iteration"), [1.0, 4.0, 6.0]);
    assert_eq!(numbers(&verdicts, "followed"), [2.0, 2.0, 0.0]);
    assert_eq!(column(&verdicts, "is_large"), ["false"; 3]);
    assert_eq!(column(&verdicts, "crossed_after"), [""; 3]);
}

/// Measuring changes nothing of the run, and a grid that asks for nothing names its runs as before.
#[test]
fn measurements_leave_the_run_alone() {
    let folder = TempDir::new().unwrap();
    experiments(folder.path(), &one_run(&[])).assert().success();
    let [plain] = &runs(folder.path())[..] else {
        panic!("one run")
    };
    let config = std::fs::read_to_string(plain.join("config.toml")).unwrap();
    assert!(!config.contains("diagnostics") && !config.contains("segment"));
    for file in [
        "diagnostics.csv",
        "segment.csv",
        "smoothness.csv",
        "large_steps.csv",
    ] {
        assert!(!plain.join(file).exists(), "{file}");
    }
    let pictures = std::fs::read_dir(folder.path().join("quick")).unwrap();
    let pictures = pictures.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "svg")
    });
    assert_eq!(pictures.count(), 1);

    let more = ["--set", "diagnostics={}", "--set", "segment={at=[3]}"];
    experiments(folder.path(), &one_run(&more))
        .assert()
        .success();
    let all = runs(folder.path());
    assert_eq!(all.len(), 2);
    let measured = all.iter().find(|run| *run != plain).unwrap();
    for name in ["loss", "step_size", "gradient_norm"] {
        assert_eq!(
            column(&measured.join("metrics.csv"), name),
            column(&plain.join("metrics.csv"), name)
        );
    }
    let config = std::fs::read_to_string(measured.join("config.toml")).unwrap();
    for line in [
        "every = 2",
        "to = 100",
        "eigenvalues = 20",
        "at = [3]",
        "window = 10",
    ] {
        assert!(config.contains(line), "{config}");
    }
    assert_eq!(
        numbers(&measured.join("diagnostics.csv"), "iteration"),
        [0.0, 2.0, 4.0, 6.0]
    );
}

#[test]
fn wrong_options_of_measurements_are_named() {
    let folder = TempDir::new().unwrap();
    for (set, problem) in [
        ("diagnostics={evry=2}", "unknown field `evry`"),
        (
            "diagnostics={every=0}",
            "every and eigenvalues are at least 1",
        ),
        ("diagnostics={eigenvalues=-3}", "-3"),
        ("diagnostics={from=9, to=4}", "from must not be above to"),
        ("diagnostics=true", "diagnostics = true"),
        ("segment={at=[]}", "at lists at least one iteration"),
        ("segment={}", "missing field `at`"),
        ("segment={at=[0], window=-1}", "-1"),
        ("segment={at=[0], last=true}", "unknown field `last`"),
    ] {
        experiments(folder.path(), &["--set", set])
            .assert()
            .code(2)
            .stderr(predicate::str::contains(problem));
    }
}
