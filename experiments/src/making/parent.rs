//! The process that has started the process of a cell.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::death::LastWords;
use super::{Event, Order, Outcome, Task, Workshop, death};
use crate::memory::Budget;
use crate::progress::Line;

/// How often a process is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// How soon a wish to stop is passed on.
const PASSING_ON: Duration = Duration::from_millis(10);

/// What a process has let hear.
enum Heard {
    Event(Event),
    /// A line that was not for this program.
    Said(String),
}

/// Makes a cell in a process of its own.
pub fn make(
    workshop: &Workshop<'_>,
    task: &Task<'_>,
    threads: usize,
    share: Option<Budget>,
    interrupted: &AtomicBool,
    line: &mut Line,
) -> Outcome {
    let order = Order {
        config: task.cell.to_toml(),
        share,
        verdict: workshop.device.verdict.clone(),
        keeping: workshop.keeping,
    };
    let (child, input) = match start(workshop, task, threads, &order) {
        Ok(started) => started,
        Err(error) => return Outcome::failed(format!("{error:#}")),
    };
    let watch = Watch {
        started: Instant::now(),
        looked: Instant::now(),
        input: Some(input),
        time_limit: workshop.time_limit,
        limit: share.and_then(Budget::hard_limit),
        system: System::new(),
        largest: 0,
        excess: None,
        child,
    };
    watch.attend(task, interrupted, line)
}

fn start(
    workshop: &Workshop<'_>,
    task: &Task<'_>,
    threads: usize,
    order: &Order,
) -> Result<(Child, ChildStdin)> {
    let program = program().context("cannot find this program's own file")?;
    let mut child = Command::new(&program)
        .arg("cell")
        .arg("--directory")
        .arg(&task.directory)
        .arg("--data-dir")
        .arg(workshop.data_dir)
        .args(["--threads", &threads.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {} once more", program.display()))?;
    let mut input = child.stdin.take().context("a process without input")?;
    // One that has died already says more by how it did.
    let _ = writeln!(input, "{}", serde_json::to_string(order)?);
    Ok((child, input))
}

/// This program's file. On Linux the very file that runs, even if another was built in its place since.
fn program() -> std::io::Result<std::path::PathBuf> {
    let itself = std::path::PathBuf::from("/proc/self/exe");
    match cfg!(target_os = "linux") && itself.exists() {
        true => Ok(itself),
        false => std::env::current_exe(),
    }
}

/// A process that is looked after.
struct Watch {
    child: Child,
    started: Instant,
    /// When it was looked after last.
    looked: Instant,
    /// The process stops when it is closed.
    input: Option<ChildStdin>,
    time_limit: Option<Duration>,
    /// Bytes of resident memory at which it is ended.
    limit: Option<u64>,
    system: System,
    /// The most memory that it was seen to take.
    largest: u64,
    /// Why it was ended.
    excess: Option<String>,
}

impl Watch {
    /// Hears and sees to the process until it has ended.
    fn attend(mut self, task: &Task<'_>, interrupted: &AtomicBool, line: &mut Line) -> Outcome {
        let mut last_words = LastWords::default();
        let mut outcome = None;
        let (tell, hear) = channel();
        let (output, errors) = (self.child.stdout.take(), self.child.stderr.take());
        std::thread::scope(|scope| {
            let tell_too = tell.clone();
            scope.spawn(move || listen(output, &tell));
            scope.spawn(move || listen(errors, &tell_too));
            loop {
                match hear.recv_timeout(PASSING_ON) {
                    Ok(Heard::Event(Event::Progress { done, state })) => line.show(done, &state),
                    Ok(Heard::Event(Event::Ended(ended))) => outcome = Some(ended),
                    Ok(Heard::Said(text)) => {
                        line.pass_on(&text);
                        last_words.push(text);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if interrupted.load(Ordering::Relaxed) {
                    self.stop("the user");
                }
                if self.looked.elapsed() >= LOOK {
                    self.look();
                }
            }
        });
        let status = self.child.wait();
        match (outcome, status) {
            (Some(outcome), _) => outcome,
            (None, Err(error)) => Outcome::failed(format!("lost the run's process: {error}")),
            (None, Ok(status)) => death::record(
                task,
                self.child.id(),
                death::Death {
                    status,
                    excess: self.excess,
                    largest: self.largest,
                    last_words,
                },
            ),
        }
    }

    fn look(&mut self) {
        self.looked = Instant::now();
        if let Some(limit) = self.time_limit
            && self.started.elapsed() >= limit
        {
            let minutes = limit.as_secs_f64() / 60.0;
            self.stop(&format!("the time limit of {minutes} min"));
        }
        let pid = Pid::from_u32(self.child.id());
        let kind = ProcessRefreshKind::nothing().with_memory();
        (self.system).refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let resident = (self.system.process(pid)).map_or(0, |process| process.memory());
        self.largest = self.largest.max(resident);
        if let Some(limit) = self.limit
            && resident > limit
            && self.excess.is_none()
            && self.child.kill().is_ok()
        {
            self.excess = Some(death::excess(resident, limit));
        }
    }

    /// Asks the process to stop, once.
    fn stop(&mut self, cause: &str) {
        if let Some(mut input) = self.input.take() {
            // Who cannot read it any more sees the end of its input, or has ended.
            let _ = writeln!(input, "{cause}");
        }
    }
}

/// Tells what a process lets hear, line by line, until it closes that pipe.
fn listen(pipe: Option<impl Read>, tell: &Sender<Heard>) {
    let Some(pipe) = pipe else { return };
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line);
        let heard = match serde_json::from_str(&text) {
            Ok(event) => Heard::Event(event),
            Err(_) => Heard::Said(text.into_owned()),
        };
        if tell.send(heard).is_err() {
            return;
        }
    }
}
