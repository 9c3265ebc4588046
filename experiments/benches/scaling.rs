//! What `--jobs` gains, and how the time of a run grows with its iterations.
//!
//! ```sh
//! cargo bench -p experiments --bench scaling
//! ```
//!
//! For as many jobs as there are cores, runs that differ in their seeds alone are made side by side, and one after the
//! other on one thread and on all. As many programs, of one thread each, that share the runs show what the machine gains
//! whatever the code does: cores have a cache, a memory and a clock rate in common. All take turns; a figure is the median
//! of the ratios within a turn.

use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::Instant;

use tempfile::TempDir;

const TURNS: usize = 5;
/// Runs for each job.
const RUNS: usize = 2;

/// A grid to be made by a process of its own.
#[derive(Clone)]
struct Grid {
    settings: Vec<String>,
    method: &'static str,
    jobs: usize,
    is_on_one_thread: bool,
}

impl Grid {
    fn new(settings: &[&str], method: &'static str) -> Self {
        Self {
            settings: settings.iter().map(ToString::to_string).collect(),
            method,
            jobs: 1,
            is_on_one_thread: false,
        }
    }

    fn seeds(&self, seeds: impl Iterator<Item = usize>) -> Self {
        let mut grid = self.clone();
        let seeds: Vec<usize> = seeds.collect();
        grid.settings.push(format!("seeds={seeds:?}"));
        grid
    }

    fn jobs(&self, jobs: usize) -> Self {
        Self {
            jobs,
            ..self.clone()
        }
    }

    fn on_one_thread(&self) -> Self {
        Self {
            is_on_one_thread: true,
            ..self.clone()
        }
    }

    fn command(&self, folder: &TempDir) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_experiments"));
        command.args(["run", "--device", "flex", "--jobs", &self.jobs.to_string()]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.args(["--only", &format!("method={}", self.method)]);
        command.arg("--results").arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if self.is_on_one_thread {
            command.env("RAYON_NUM_THREADS", "1");
        }
        command
    }
}

/// Seconds until all grids, begun at once, are made.
fn seconds(grids: &[Grid]) -> f64 {
    let folders: Vec<TempDir> = grids
        .iter()
        .map(|_| TempDir::new().expect("a temporary folder"))
        .collect();
    let start = Instant::now();
    let programs: Vec<_> = (grids.iter().zip(&folders))
        .map(|(grid, folder)| grid.command(folder).spawn().expect("the program starts"))
        .collect();
    for mut program in programs {
        let status = program.wait().expect("the program ends");
        assert!(status.success(), "a grid was not made: {status}");
    }
    start.elapsed().as_secs_f64()
}

/// The seconds of each way in each turn. The first turn warms up.
fn turns(ways: &[&[Grid]]) -> Vec<Vec<f64>> {
    let turns = (0..=TURNS).map(|_| ways.iter().map(|way| seconds(way)).collect());
    turns.skip(1).collect()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The median over the turns of the time of one way over that of another.
fn ratio(turns: &[Vec<f64>], way: usize, other: usize) -> f64 {
    median(turns.iter().map(|turn| turn[way] / turn[other]).collect())
}

fn jobs(network: &str, iterations: usize, cores: usize) {
    let network_setting = format!("networks=[{network:?}]");
    let iterations = format!("iterations={iterations}");
    let settings = [&network_setting, &iterations, "sharpness_every=10"];
    let grid = Grid::new(&settings, "nls");
    let runs = RUNS * cores;
    let all = grid.seeds(0..runs);
    let shares: Vec<_> = (0..cores)
        .map(|core| grid.seeds((core..runs).step_by(cores)).on_one_thread())
        .collect();
    let side_by_side = [all.jobs(cores)];
    let turns = turns(&[&side_by_side, &[all.on_one_thread()], &[all], &shares]);
    let gain = |way| ratio(&turns, way, 0);
    println!(
        "{network}, {runs} runs: --jobs {cores} has {:.2} times the throughput of one after the other on one thread, {:.2} \
         times that on {cores}; {cores} programs of one thread have {:.2} times that of one",
        gain(1),
        gain(2),
        ratio(&turns, 1, 3),
    );
}

fn main() {
    let cores = available_parallelism().expect("the number of cores").get();
    if cores > 1 {
        jobs("mlp", 400, cores);
        jobs("cnn", 30, cores);
    } else {
        println!("one core: nothing is gained by jobs side by side");
    }
    let grid = |iterations: &str| {
        let settings = [r#"networks=["mlp"]"#, "samples=1000", "sharpness_every=100"];
        Grid::new(&[&settings[..], &[iterations]].concat(), "gd")
    };
    let turns = turns(&[&[grid("iterations=500")], &[grid("iterations=5000")]]);
    println!(
        "mlp, gd: 5,000 iterations take {:.1} times as long as 500",
        ratio(&turns, 1, 0)
    );
}
