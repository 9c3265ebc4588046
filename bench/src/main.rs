//! flatland's side of the race against PyTorch. It runs tasks on request, as `bench/peer/torch_side.py` does, and
//! returns their times.
//!
//! Each line of the input is a command, and the answer is a line of JSON:
//!
//! | command | what it does | answer |
//! |---|---|---|
//! | `prepare NETWORK SAMPLES ITERATIONS [CHUNK]` | builds network and samples, and trains ITERATIONS iterations of NLS | `parameters`, `chunk`, `threads` |
//! | `write DIRECTORY` | writes weights, direction, samples and the state of the search | |
//! | `check [double]` | evaluates loss, gradient and `H·v` once, with `double` in double precision | `loss`, `gradient_norm`, `product_norm`, `curvature` (`gᵀHv`) |
//! | `run TASK` | runs the task once | `milliseconds`, and other numbers to compare |
//! | `rest TASK` | prepares the task, and resets the peak of memory | `resident_megabytes` |
//! | `peak` | | `peak_megabytes` since `rest` |
//! | `quit` | ends the program, as the end of the input does | |
//!
//! The tasks are `matrix` (a product of 1024³), `gradient`, `product`, `further` (a product from saved values of the
//! point, which are computed before), `iteration` and `sharpness SEED`. `RAYON_NUM_THREADS` sets the number of threads.

mod resident;

use std::io::{BufRead, Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context, Result, bail};
use flatland_bench::allocator;
use flatland_bench::subject::{Subject, TimedTask};
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

/// Executes a command.
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
        ["run", task @ ..] => subject.run(TimedTask::parse(task)?),
        ["rest", task @ ..] => {
            subject.make_ready(TimedTask::parse(task)?);
            resident::forget_peak()?;
            Ok(json!({"resident_megabytes": resident::now()?}))
        }
        ["peak"] => Ok(json!({"peak_megabytes": resident::peak()?})),
        _ => bail!("the commands are prepare, write, check, run, rest, peak and quit"),
    }
}
