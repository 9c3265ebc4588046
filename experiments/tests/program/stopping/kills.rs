//! `kill -9` at random moments, then the same command.
//!
//! `FLATLAND_SOAK=200` makes at least so many kills of each problem instead of three.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{SMALL, assert_same, finish, only_run, program, run_file, signal};

/// Kills runs of the grid at moments that are spread over the time that one takes, until there were enough kills; each
/// is then made to its end and compared with one that was left alone.
fn kill_at_random(name: &str, grid: &str) {
    let wanted = std::env::var("FLATLAND_SOAK").map_or(3, |kills| kills.parse().unwrap());
    let reference = TempDir::new().unwrap();
    let start = Instant::now();
    finish(reference.path(), grid, &["--checkpoint-every", "2"]);
    let duration = start.elapsed();
    let mut random = flatland_random::stream(1, name, 0);
    let (mut kills, mut resumed) = (0, 0);
    while kills < wanted {
        let folder = TempDir::new().unwrap();
        let before = kills;
        for _ in 0..4 {
            let share = 0.5 * (flatland_random::uniform(&mut random) + 1.0);
            let mut child = program(folder.path(), grid, &["--checkpoint-every", "2"])
                .process_group(0)
                .spawn()
                .unwrap();
            std::thread::sleep(duration.mul_f64(share));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            signal("KILL", &format!("-{}", child.id()));
            child.wait().unwrap();
            kills += 1;
        }
        if kills > before {
            finish(folder.path(), grid, &[]);
            let run = only_run(folder.path());
            assert_same(&run, &only_run(reference.path()));
            let times = run_file(&run)["resumed"].as_array().map_or(0, Vec::len);
            assert!(times <= kills - before, "{times} resumptions");
            resumed += times;
        }
    }
    println!("{name}: {kills} kills of a run of {duration:.1?}, {resumed} of them in the middle");
}

#[test]
fn a_full_batch_run_with_everything_measured() {
    let measured = "diagnostics = { every = 3, from = 1, to = 30, eigenvalues = 12 }\n\
                    segment = { at = [2, 11, 25], window = 6 }\n";
    kill_at_random("diagnostics and segments", &format!("{SMALL}{measured}"));
}

#[test]
fn a_network_with_batch_normalization() {
    let network = "networks = [{ name = \"cnn\", channels = [4, 4], norm = \"batch\" }]";
    let grid = SMALL
        .replace("networks = [{ name = \"mlp\", widths = [12] }]", network)
        .replace("iterations = 40", "iterations = 12\nchunk = 20");
    kill_at_random("batch normalization", &grid);
}

#[test]
fn a_run_with_momentum_in_double_precision() {
    let grid = SMALL.replace("\"nls\"", "{ name = \"sam\", step_size = 0.1 }");
    kill_at_random("SAM in f64", &format!("{grid}dtype = \"f64\"\n"));
}

/// The only small network with dropout; its batch normalizations make it one of the tests of these, too.
#[test]
fn a_stochastic_run_with_dropout() {
    let grid = "datasets = [\"fashion-mnist\"]\nnetworks = [{ name = \"densenet121\", dropout = 0.3 }]\n\
                methods = [\"ponos\"]\nsamples = 20\nbatch_size = 8\nepochs = 2\nsharpness_every = 0\n\
                accuracy_every = 0\ndevice = \"flex\"\n";
    kill_at_random("dropout", grid);
}

#[test]
fn a_stochastic_run_with_sharpness() {
    let grid = SMALL.replace("iterations = 40", "batch_size = 25\nepochs = 12");
    let grid = grid.replace("sharpness_every = 5", "sharpness_every = 2");
    kill_at_random("mini-batches", &grid);
}

/// Kills before anything was computed leave nothing that is in the way.
#[test]
fn a_run_that_is_killed_at_once() {
    let folder = TempDir::new().unwrap();
    for wait in [0, 20, 60, 100] {
        let mut child = program(folder.path(), SMALL, &[])
            .process_group(0)
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        signal("KILL", &format!("-{}", child.id()));
        child.wait().unwrap();
    }
    let reference = TempDir::new().unwrap();
    finish(reference.path(), SMALL, &[]);
    finish(folder.path(), SMALL, &[]);
    assert_same(&only_run(folder.path()), &only_run(reference.path()));
}
