//! Grid files that were damaged, and files whose names would lead elsewhere, given to the program.

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

/// Every key with a value that is allowed.
const GRID: &str = "datasets = [\"fashion-mnist\"]\n\
    networks = [\"mlp\", { name = \"cnn\", channels = [4, 4] }]\n\
    methods = [\"nls\", { name = \"gd\", step_size = 0.5 }]\n\
    losses = [\"mse\", \"cross-entropy\"]\nseeds = [42, 43]\niterations = 5\n\
    samples = { mlp = 60, cnn = 20 }\nchunk = 20\nsharpness_every = 2\naccuracy_every = 0\n\
    diagnostics = { every = 2, eigenvalues = 4 }\nsegment = { at = [0, 3], window = 2 }\n\
    tuned = \"tuned.toml\"\ninit = \"pytorch\"\ndtype = \"f32\"\ndevice = \"flex\"\n";

/// The program on the grid in `folder/name`, with results in `folder/results`.
fn run(folder: &Path, name: &str, more: &[&str]) -> Output {
    Command::new(cargo_bin("experiments"))
        .args(["run", name, "--results", "results"])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Wrong bytes, lost and doubled lines, cuts: one to three at a time.
fn damage(bytes: &mut Vec<u8>, mut random: impl FnMut(usize) -> usize) {
    for _ in 0..=random(3) {
        let place = random(bytes.len());
        let line = |bytes: &[u8]| {
            let start = bytes[..place].iter().rposition(|&byte| byte == b'\n');
            let end = bytes[place..].iter().position(|&byte| byte == b'\n');
            start.map_or(0, |at| at + 1)..end.map_or(bytes.len(), |at| place + at + 1)
        };
        match random(4) {
            0 => bytes[place] = random(256) as u8,
            1 => drop(bytes.drain(line(bytes))),
            2 => bytes.extend_from_within(line(bytes)),
            _ => bytes.truncate(place.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
}

#[test]
fn a_damaged_grid_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("grid.toml"), GRID).unwrap();
    let whole = run(folder.path(), "grid.toml", &["--dry-run"]);
    assert!(whole.status.success(), "{whole:?}");
    let mut stream = flatland_random::stream(1, "damaged grids", 0);
    let mut random = |below: usize| {
        let share = 0.5 * (flatland_random::uniform(&mut stream) + 1.0);
        ((share * below as f64) as usize).min(below - 1)
    };
    let mut refused = 0;
    for _ in 0..50 {
        let mut bytes = GRID.as_bytes().to_vec();
        damage(&mut bytes, &mut random);
        std::fs::write(folder.path().join("grid.toml"), &bytes).unwrap();
        let shown = String::from_utf8_lossy(&bytes);
        let dry = run(folder.path(), "grid.toml", &["--dry-run"]);
        if dry.status.code() == Some(2) {
            refused += 1;
            let output = run(folder.path(), "grid.toml", &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said} of {shown}");
            assert!(said.starts_with("error: grid.toml: "), "{said} of {shown}");
        } else {
            assert_eq!(dry.status.code(), Some(0), "{dry:?} of {shown}");
        }
        assert_eq!(files(folder.path()), ["grid.toml"], "of {shown}");
    }
    assert!(refused >= 30, "{refused}");
}

#[test]
fn a_grid_that_is_no_text_is_refused_with_its_line() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("grid.toml"), b"seeds = [1]\n# \xff\n").unwrap();
    let output = run(folder.path(), "grid.toml", &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("error: grid.toml: not TOML: line 2 is no UTF-8 text"),
        "{said}"
    );
}

/// The folder of the results is called as the file.
#[test]
fn a_grid_whose_name_leads_elsewhere_is_refused() {
    let folder = TempDir::new().unwrap();
    for name in ["...toml", "..toml", " .toml"] {
        std::fs::write(folder.path().join(name), GRID).unwrap();
        let output = run(folder.path(), &format!("./{name}"), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.contains("give the file another name"),
            "{name}: {said}"
        );
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert!(files(folder.path()).is_empty());
}

/// Numbers that no machine has room for are refused before anything is made of them.
#[test]
fn numbers_without_measure_are_named_with_what_is_allowed() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("grid.toml"), GRID).unwrap();
    for (set, problem) in [
        (
            "first_per_class=9223372036854775807",
            "first_per_class = 9223372036854775807: expected at most 10000000",
        ),
        (
            "samples=1000000000000",
            "samples = 1000000000000: expected at most 10000000",
        ),
        (
            "samples={mlp=1000000000000, cnn=20}",
            "samples = 1000000000000 of mlp: expected at most 10000000",
        ),
        (
            "iterations=9223372036854775807",
            "iterations = 9223372036854775807: expected at most 1000000000000",
        ),
        (
            "networks=[{name=\"mlp\", widths=[1000000000000]}]",
            "widths must be at most 100000, but is 1000000000000",
        ),
        (
            "networks=[{name=\"cnn\", channels=[8, 1000000000000]}]",
            "channels must be at most 100000, but is 1000000000000",
        ),
        (
            "networks=[{name=\"vit\", depth=1000000000000}]",
            "depth must be at most 1000, but is 1000000000000",
        ),
        (
            "networks=[{name=\"vit\", heads=1000000000000}]",
            "heads must be at most 1000, but is 1000000000000",
        ),
        (
            "networks=[{name=\"vit\", hidden_width=1000000000000}]",
            "hidden_width must be at most 100000, but is 1000000000000",
        ),
        (
            "networks=[{name=\"vit\", width=1000000000000}]",
            "width must be at most 100000, but is 1000000000000",
        ),
        (
            "diagnostics={eigenvalues=1000000000000}",
            "eigenvalues is at most 1000, each with a vector of the network's size, but is 1000000000000",
        ),
    ] {
        let output = run(folder.path(), "grid.toml", &["--set", set]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{set}: {said}");
        assert!(said.contains(problem), "{set}: {said}");
    }
    // What is allowed and fits nowhere is counted, not made.
    let large = [
        "--set",
        "networks=[{name=\"vit\", depth=1000, heads=1000, head_width=1000, width=100000}]",
        "--set",
        "samples=5000",
        "--memory",
        "8GB",
        "--dry-run",
    ];
    let output = run(folder.path(), "grid.toml", &large);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("raise --memory"), "{said}");
    assert_eq!(files(folder.path()), ["grid.toml"]);
}
