//! `kill -9` at random moments, then the same command.
//!
//! `FLATLAND_SOAK=200` makes at least so many kills of each problem instead of three.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{SMALL, assert_same, finish, only_run, program, rows, run_file, signal, tables};

/// Iterations between two checkpoints.
const INTERVAL: usize = 2;

/// What a kill has left of a run that was not finished.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    has_checkpoint: bool,
    /// Iterations recorded, of which the last may not have been ended.
    rows: usize,
}

impl Left {
    /// Nothing if the run was finished before.
    fn of(folder: &Path) -> Option<Self> {
        let runs = std::fs::read_dir(folder.join("grid")).into_iter().flatten();
        let Some(run) = runs
            .flatten()
            .map(|entry| entry.path())
            .find(|run| run.is_dir())
        else {
            return Some(Self::default());
        };
        let is_done = run.join("run.json").exists()
            && ["done", "converged"].contains(&run_file(&run)["status"].as_str().unwrap());
        let has = |name: &str| run.join(name).exists();
        (!is_done).then(|| Self {
            has_checkpoint: has("checkpoint.safetensors") || has("checkpoint.previous.safetensors"),
            rows: rows(&run.join("metrics.csv")),
        })
    }
}

/// Makes sure that a run whose process was killed has gone on in the end where its last checkpoint was, at most an interval
/// before what had been recorded.
fn assert_gone_on(run: &Path, kills: &[Left]) {
    let file = run_file(run);
    let resumed = file["resumed"].as_array().cloned().unwrap_or_default();
    assert!(resumed.len() <= kills.len(), "{resumed:?} after {kills:?}");
    let Some(last) = kills.last() else { return };
    if last.has_checkpoint {
        let resumption = resumed.last().expect("it went on");
        assert_ne!(
            resumption["from"], "beginning",
            "{resumption} after {kills:?}"
        );
        assert!(resumption.get("passed_over").is_none(), "{resumption}");
    }
    let from = (resumed.last()).map_or(0, |last| last["iteration"].as_u64().unwrap()) as usize;
    let furthest = kills.iter().map(|left| left.rows).max().unwrap_or(0);
    assert!(from + INTERVAL >= furthest, "from {from} after {kills:?}");
}

/// A run that has ended leaves what is documented, and nothing of what was on its way when it was killed.
fn assert_tidy(run: &Path) {
    for entry in std::fs::read_dir(run).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_known = [
            "config.toml",
            "run.json",
            "checkpoint.safetensors",
            "weights.safetensors",
            "lock",
        ];
        let is_table = tables(run).contains(&name) && !name.starts_with('.');
        assert!(is_table || is_known.contains(&name.as_str()), "{name}");
    }
}

/// When a run is killed.
enum Moment {
    /// So long after its start, whatever it does then.
    After(Duration),
    /// So soon after it has recorded so many iterations.
    Rows(usize, Duration),
}

impl Moment {
    /// Waits for it; `false` if the run has ended before.
    fn wait(&self, child: &mut Child, folder: &Path) -> bool {
        let mut is_under_way = || child.try_wait().unwrap().is_none();
        match *self {
            Self::After(time) => std::thread::sleep(time),
            Self::Rows(count, then) => {
                while Left::of(folder).is_some_and(|left| left.rows < count) && is_under_way() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(then);
            }
        }
        is_under_way()
    }
}

/// Kills runs of the grid at random moments, until there were enough kills; each is then made to its end and compared with
/// one that was left alone.
fn kill_at_random(name: &str, grid: &str) {
    let wanted = std::env::var("FLATLAND_SOAK").map_or(3, |kills| kills.parse().unwrap());
    let often = ["--checkpoint-every", &INTERVAL.to_string()];
    let reference = TempDir::new().unwrap();
    let start = Instant::now();
    finish(reference.path(), grid, &often);
    let duration = start.elapsed();
    let iterations = rows(&only_run(reference.path()).join("metrics.csv"));
    let mut random = flatland_random::stream(1, name, 0);
    let mut share = || 0.5 * (flatland_random::uniform(&mut random) + 1.0);
    let (mut runs, mut kills, mut in_the_middle, mut resumed) = (0, 0, 0, 0);
    while kills < wanted || in_the_middle == 0 {
        runs += 1;
        assert!(
            runs < 20 + wanted,
            "{kills} kills, {in_the_middle} of them in the middle"
        );
        let folder = TempDir::new().unwrap();
        let mut left: Vec<Left> = Vec::new();
        for _ in 0..4 {
            let made = left.iter().map(|left| left.rows).max().unwrap_or(0);
            let moment = if share() < 0.25 {
                Moment::After(duration.mul_f64(share()))
            } else {
                let rest = iterations.saturating_sub(made) as f64;
                let then = Duration::from_millis(5).mul_f64(share());
                Moment::Rows(made + 1 + (rest * share()) as usize, then)
            };
            let mut child = program(folder.path(), grid, &often)
                .process_group(0)
                .spawn()
                .unwrap();
            if !moment.wait(&mut child, folder.path()) {
                break;
            }
            signal("KILL", &format!("-{}", child.id()));
            child.wait().unwrap();
            kills += 1;
            match Left::of(folder.path()) {
                Some(found) => left.push(found),
                None => break, // it was killed after its end
            }
        }
        finish(folder.path(), grid, &[]);
        let run = only_run(folder.path());
        assert_same(&run, &only_run(reference.path()));
        assert_tidy(&run);
        assert_gone_on(&run, &left);
        in_the_middle += left.iter().filter(|left| left.has_checkpoint).count();
        resumed += run_file(&run)["resumed"].as_array().map_or(0, Vec::len);
    }
    println!(
        "{name}: {kills} kills of a run of {duration:.1?}, {in_the_middle} of them after a checkpoint; {resumed} \
         resumptions; {:.0?} in all",
        start.elapsed()
    );
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
