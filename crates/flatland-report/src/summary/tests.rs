use flatland_config::Status;
use flatland_records::SharpnessRow;

use super::*;
use crate::testing;

/// A finished run of a tiny grid.
fn run(method: &str, seed: u64, loss: Option<f64>, status: Status) -> RunRecords {
    let text = format!(
        "dataset = \"svhn\"\nloss = \"mse\"\nseed = {seed}\niterations = 5\nsamples = 50\nchunk = 50\n\
         sharpness_every = 0\naccuracy_every = 0\ninit = \"pytorch\"\ndtype = \"f32\"\ndevice = \"flex\"\n\
         [network]\nname = \"mlp\"\nwidths = [10]\nactivation = \"relu\"\nbias = true\n[method]\n{method}"
    );
    testing::run_of(toml::from_str(&text).unwrap(), status, loss)
}

fn gd(step_size: f64) -> String {
    format!("name = \"gd\"\nstep_size = {step_size:?}\n")
}

#[test]
fn runs_that_differ_in_their_seed_are_one_entry_and_methods_are_in_order() {
    let mut runs = vec![
        run(&gd(1.0), 7, Some(0.4), Status::Done),
        run(&gd(0.1), 7, Some(0.5), Status::Done),
        run(&gd(1.0), 3, Some(0.2), Status::Done),
    ];
    runs.push(run(&gd(1.0), 3, Some(0.1), Status::Done));
    runs[3].config.samples = 60;
    let problems = problems(&runs);
    let labels = |problem: &Problem<'_>| -> Vec<String> {
        (problem.entries.iter().map(|entry| entry.label.clone())).collect()
    };
    assert_eq!(problems.len(), 2);
    assert_eq!(labels(&problems[0]), ["GD 0.1", "GD 1"]);
    let loss = Quantity::named("final-loss").unwrap();
    let spread = loss.of(&problems[0].entries[1]).unwrap();
    assert!((spread.mean - 0.3).abs() < 1e-15);
    assert!((spread.deviation.unwrap() - 0.02f64.sqrt()).abs() < 1e-15);
    assert_eq!(
        problems[0].entries[1].runs[0].config.seed, 3,
        "seeds are in order"
    );
    assert_eq!(
        problems[0].title(),
        "svhn × mlp (mse, 50 samples, 5 iterations)"
    );
    assert_eq!(labels(&problems[1]), ["GD 1"]);
}

#[test]
fn seeds_are_listed_and_neighbours_put_together() {
    for (seeds, shown) in [
        (&[42][..], "42"),
        (&[5, 1], "1, 5"),
        (&[1, 2], "1, 2"),
        (&[0, 1, 2, 3, 7, 9, 10], "0–3, 7, 9, 10"),
    ] {
        let runs: Vec<_> = (seeds.iter())
            .map(|&seed| run(&gd(1.0), seed, None, Status::Done))
            .collect();
        assert_eq!(problems(&runs)[0].entries[0].seeds(), shown);
    }
}

#[test]
fn what_looks_alike_is_told_apart_by_its_settings() {
    let mut runs: Vec<_> = [1.0, 1.0, 1.0]
        .map(|eta| run(&gd(eta), 1, None, Status::Done))
        .into();
    runs[1].config.chunk = 25;
    runs[2].config.network =
        toml::from_str("name = \"mlp\"\nwidths = [20]\nactivation = \"relu\"\nbias = true")
            .unwrap();
    let settings = problems(&runs).into_iter().map(|problem| problem.settings);
    assert_eq!(
        Vec::from_iter(settings),
        [
            "chunk = 50, network.widths = [10]",
            "chunk = 25, network.widths = [10]",
            "chunk = 50, network.widths = [20]"
        ]
    );
    runs.truncate(1);
    runs.push(run(&gd(1.0), 1, None, Status::Done));
    runs[1].config.samples = 60;
    let names = problems(&runs).into_iter().map(|problem| problem.name);
    assert_eq!(
        Vec::from_iter(names),
        [
            "svhn × mlp (mse), samples = 50",
            "svhn × mlp (mse), samples = 60"
        ],
        "titles tell them apart already, names do not"
    );
}

/// Measured at its last point too, from which it took no step.
#[test]
fn a_point_without_a_step_is_no_part_of_what_is_said_of_steps() {
    let measured = |step_size: f64| SharpnessRow {
        iteration: 0,
        sharpness: 3.0,
        lambda_min: -1.0,
        step_size,
        step_size_times_sharpness: 3.0 * step_size,
        edge: None,
        residual: 0.0,
        hessian_products: 1,
        seconds: 0.0,
    };
    let mut converged = run(&gd(1.0), 1, None, Status::Converged);
    converged.sharpness = [0.5, 1.0, 0.0].map(measured).into();
    let of = |run: &RunRecords, name: &str| {
        let quantity = Quantity::named(name).unwrap();
        quantity.of_run(run)
    };
    assert_eq!(of(&converged, "edge"), Some(2.25));
    assert_eq!(of(&converged, "above-one"), Some(1.0));
    assert_eq!(of(&converged, "above-two"), Some(0.5));
    assert_eq!(of(&converged, "sharpness"), Some(3.0));
    converged.sharpness.drain(..2);
    for name in ["edge", "above-one", "above-two"] {
        assert_eq!(of(&converged, name), None, "{name}");
    }
}

#[test]
fn the_best_is_chosen_among_methods_whose_runs_all_reached_their_end() {
    let runs = [
        run(&gd(0.1), 1, Some(0.5), Status::Done),
        run(&gd(1.0), 1, Some(0.3), Status::Converged),
        run(&gd(2.0), 1, Some(0.1), Status::Done),
        run(&gd(2.0), 2, None, Status::Diverged),
    ];
    let problems = problems(&runs);
    let entries = &problems[0].entries;
    let loss = Quantity::named("final-loss").unwrap();
    assert_eq!(loss.best(entries), Some(0.3));
    assert_eq!(loss.best(&entries[1..]), None, "nothing to be better than");
    assert_eq!(entries[2].states(), "done 1, diverged 1");
    let steps = Quantity::named("iterations").unwrap();
    assert_eq!(steps.best(entries), None, "no better and worse");
}

#[test]
fn every_method_has_its_line_and_methods_of_one_share_it() {
    use flatland_optim::LineSearchConfig;
    let methods = [
        MethodConfig::Nls(LineSearchConfig::nls()),
        MethodConfig::Ponos(LineSearchConfig::ponos()),
        MethodConfig::Ls(LineSearchConfig::ls()),
    ];
    assert_eq!(reaches(methods.iter()), [0.5, 1.0 - 1e-4]);
    assert_eq!(reaches(methods[..1].iter()), [1.0 - 1e-4]);
}
