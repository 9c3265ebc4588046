//! `--extend`

use tempfile::TempDir;

use super::{SMALL, assert_same, cells, finish, only_run, program, run_file, run_of};

/// The part of a run's name that follows from its length.
fn hash(run: &std::path::Path) -> String {
    run.to_string_lossy().rsplit('-').next().unwrap().to_owned()
}

#[test]
fn an_extended_run_is_as_if_it_had_been_that_long() {
    let measured = "diagnostics = { every = 3, to = 30, eigenvalues = 11 }\n\
                    segment = { at = [2, 17, 25], window = 6 }\n";
    let full = format!("{SMALL}{measured}").replace("iterations = 40", "iterations = 23");
    let batches = |epochs: u64| {
        SMALL.replace(
            "iterations = 40",
            &format!("batch_size = 25\nepochs = {epochs}"),
        )
    };
    let warm_up = |iterations: u64| {
        let grid = SMALL.replace("iterations = 40", &format!("iterations = {iterations}"));
        grid.replace("\"nls\"", "\"gd-warmup\"")
    };
    for (short, long) in [
        (
            full.clone(),
            full.replace("iterations = 23", "iterations = 34"),
        ),
        (batches(4), batches(15)),
        (warm_up(9), warm_up(20)),
    ] {
        let reference = TempDir::new().unwrap();
        finish(reference.path(), &long, &[]);
        let reference = only_run(reference.path()).to_owned();
        let folder = TempDir::new().unwrap();
        finish(folder.path(), &short, &[]);
        let first = only_run(folder.path());
        let metrics = cells(&first.join("metrics.csv"));
        finish(folder.path(), &short, &["--extend", "11"]);
        let extended = run_of(folder.path(), &hash(&reference));
        assert_same(&extended, &reference);
        assert_eq!(run_file(&extended)["resumed"][0]["from"], "shorter-run");
        assert_eq!(
            cells(&first.join("metrics.csv")),
            metrics,
            "the shorter run stays"
        );
        assert_eq!(run_file(&first)["status"], "done");
        let again = finish(folder.path(), &short, &["--extend", "11"]);
        assert!(
            again.contains("1 of 1 runs were already finished"),
            "{again}"
        );
    }
}

#[test]
fn what_was_not_finished_is_not_extended() {
    let folder = TempDir::new().unwrap();
    let output = program(folder.path(), SMALL, &["--extend", "5"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains(
            "is no finished run with a checkpoint; give the command without --extend first"
        ),
        "{said}"
    );
    assert!(!folder.path().join("grid").exists(), "nothing was written");
}

/// A run that ended early ends there again.
#[test]
fn a_run_that_diverged_is_extended_to_the_same_end() {
    let grid = SMALL.replace("\"nls\"", "{ name = \"gd\", step_size = 1e30 }");
    let folder = TempDir::new().unwrap();
    for more in [&[][..], &["--extend", "5"]] {
        let output = program(folder.path(), &grid, more).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
    }
    let runs: Vec<_> = std::fs::read_dir(folder.path().join("grid"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    let [first, second] = &runs[..] else {
        panic!("{runs:?}")
    };
    assert_same(first, second);
    assert_eq!(run_file(first)["reason"], run_file(second)["reason"]);
}
