//! flatland's side of the race against PyTorch: does on request what `bench/peer/torch_side.py` does too, and says how
//! long it took.
//!
//! It reads a command from each line of its input and answers with a line of JSON:
//!
//! | command | what it does | answer |
//! |---|---|---|
//! | `prepare NETWORK SAMPLES ITERATIONS [CHUNK]` | builds network and samples, trains so many iterations of NLS | `parameters`, `chunk`, `threads` |
//! | `write DIRECTORY` | writes weights, direction, samples and the state of the search | |
//! | `check [double]` | evaluates loss, gradient and `H·v` once, in double precision where it says so | `loss`, `gradient_norm`, `product_norm`, `curvature` (`gᵀHv`) |
//! | `run TASK` | does the task once | `milliseconds`, and what else is to be compared |
//! | `rest TASK` | makes what the task needs beforehand, and forgets the peak of the memory so far | `resident_megabytes` |
//! | `peak` | | `peak_megabytes` since `rest` |
//! | `quit` | ends, as the end of the input does | |
//!
//! Tasks are `matrix` (a product of 1024³), `gradient`, `product`, `further` (a product from what is kept of the point; keeping it is not timed),
//! `iteration` and `sharpness SEED`. `RAYON_NUM_THREADS` sets the threads.

mod resident;

use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context, Result, bail};
use flatland_bench::allocator;
use flatland_bench::subject::{Subject, Task};
use serde_json::{Value, json};

fn main() -> Result<()> {
    allocator::keep_memory();
    // As `experiments` does in the process of a run.
    rayon::ThreadPoolBuilder::new()
        .use_current_thread()
        .build_global()?;
    let mut subject = None;
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["quit"] {
            break;
        }
        let answer = answer(&mut subject, &words).with_context(|| format!("at {line:?}"))?;
        writeln!(stdout(), "{answer}")?;
        stdout().flush()?;
    }
    Ok(())
}

/// Does what a command says.
fn answer(subject: &mut Option<Subject>, words: &[&str]) -> Result<Value> {
    if let ["prepare", network, samples, iterations, chunk @ ..] = words {
        let chunk = match chunk {
            [] => None,
            [chunk] => Some(chunk.parse().context("CHUNK is a number of samples")?),
            _ => bail!("prepare takes NETWORK SAMPLES ITERATIONS [CHUNK]"),
        };
        let samples = samples.parse().context("SAMPLES is a number")?;
        let iterations = iterations.parse().context("ITERATIONS is a number")?;
        let prepared = subject.insert(Subject::prepare(network, samples, iterations, chunk)?);
        return Ok(prepared.describe());
    }
    let subject = (subject.as_mut()).context("the first command is prepare")?;
    match words {
        ["write", directory] => {
            subject.write(Path::new(directory))?;
            Ok(json!({}))
        }
        ["check"] => Ok(subject.check()),
        ["check", "double"] => subject.check_in_double(),
        ["run", task @ ..] => subject.run(Task::parse(task)?),
        ["rest", task @ ..] => {
            subject.make_ready(Task::parse(task)?);
            resident::forget_peak()?;
            Ok(json!({"resident_megabytes": resident::now()?}))
        }
        ["peak"] => Ok(json!({"peak_megabytes": resident::peak()?})),
        _ => bail!("the commands are prepare, write, check, run, rest, peak and quit"),
    }
}
