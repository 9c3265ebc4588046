//! The parent of a run's process.
//!
//! It shows what the child reports and passes on requests to stop. It checks time and resident memory ten times a
//! second. The limit of the memory is one and a half times the share of the run, and 256 MB: needs are estimates, and
//! this is clearly more.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::death::{self, Death, LastLines};
use super::protocol::{Message, Order};
use crate::memory::Budget;
use crate::observer::RunObserver;
use crate::outcome::RunOutcome;
use crate::scheduler::task::{RunTask, Scheduler};
use crate::stop::StopCause;

/// How often the memory and the time of a process are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How soon a request to stop is passed on.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A line that a process has printed.
enum ChildOutput {
    Message(Message),
    /// A line that is not for this program.
    Line(String),
}

/// Makes a run in a process of its own.
pub(crate) fn make(
    scheduler: &Scheduler<'_>,
    task: &RunTask<'_>,
    threads: usize,
    share: Option<Budget>,
) -> RunOutcome {
    let order = Order {
        config: task.config.to_toml(),
        share,
        verdict: scheduler.device.verdict.clone(),
        checkpoints: scheduler.checkpoints,
    };
    let (child, input) = match start(scheduler, task, threads, &order) {
        Ok(started) => started,
        Err(error) => return RunOutcome::failed(format!("{error:#}")),
    };
    let supervisor = Supervisor {
        started: Instant::now(),
        checked: Instant::now(),
        input: Some(input),
        time_limit: scheduler.time_limit,
        memory_limit: share.and_then(Budget::hard_limit),
        system: System::new(),
        largest: 0,
        excess: None,
        child,
    };
    supervisor.wait(scheduler, task)
}

fn start(
    scheduler: &Scheduler<'_>,
    task: &RunTask<'_>,
    threads: usize,
    order: &Order,
) -> Result<(Child, ChildStdin)> {
    let mut command = (scheduler.child_command)(&task.directory, threads)
        .context("cannot find this program's own file")?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {} again", command.get_program().display()))?;
    let mut input = child.stdin.take().context("a process without input")?;
    // If the process has died already, its exit status says more than this error.
    let _ = writeln!(input, "{}", serde_json::to_string(order)?);
    Ok((child, input))
}

/// Supervises a process: its output, its time and its memory.
struct Supervisor {
    child: Child,
    started: Instant,
    /// When time and memory were checked last.
    checked: Instant,
    /// The process stops when it is closed.
    input: Option<ChildStdin>,
    time_limit: Option<Duration>,
    /// Bytes of resident memory at which the process is ended.
    memory_limit: Option<u64>,
    system: System,
    /// The most memory that the process was seen to take, in bytes.
    largest: u64,
    /// Why the process was ended.
    excess: Option<String>,
}

impl Supervisor {
    /// Supervises the process until it has ended.
    fn wait(mut self, scheduler: &Scheduler<'_>, task: &RunTask<'_>) -> RunOutcome {
        let observer = RunObserver::new(scheduler.observer, task.number);
        let mut last_lines = LastLines::default();
        let mut outcome = None;
        let (sender, receiver) = channel();
        let (output, errors) = (self.child.stdout.take(), self.child.stderr.take());
        std::thread::scope(|scope| {
            let other_sender = sender.clone();
            scope.spawn(move || read_lines(output, &sender));
            scope.spawn(move || read_lines(errors, &other_sender));
            loop {
                match receiver.recv_timeout(POLL_INTERVAL) {
                    Ok(ChildOutput::Message(Message::Progress(progress))) => {
                        observer.progress(&progress);
                    }
                    Ok(ChildOutput::Message(Message::Output(line)) | ChildOutput::Line(line)) => {
                        observer.output(&line);
                        last_lines.push(line);
                    }
                    Ok(ChildOutput::Message(Message::Ended(ended))) => outcome = Some(ended),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                if let Some(cause) = scheduler.stop.cause() {
                    self.stop(cause);
                }
                if self.checked.elapsed() >= CHECK_INTERVAL {
                    self.check_limits();
                }
            }
        });
        let status = self.child.wait();
        match (outcome, status) {
            (Some(outcome), _) => outcome,
            (None, Err(error)) => RunOutcome::failed(format!("lost the run's process: {error}")),
            (None, Ok(status)) => death::record(
                scheduler.program,
                task,
                self.child.id(),
                &Death {
                    status,
                    excess: self.excess,
                    largest: self.largest,
                    last_lines,
                },
            ),
        }
    }

    fn check_limits(&mut self) {
        self.checked = Instant::now();
        if let Some(limit) = self.time_limit
            && self.started.elapsed() >= limit
        {
            self.stop(StopCause::TimeLimit(limit));
        }
        let pid = Pid::from_u32(self.child.id());
        let kind = ProcessRefreshKind::nothing().with_memory();
        (self.system).refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let resident = (self.system.process(pid)).map_or(0, |process| process.memory());
        self.largest = self.largest.max(resident);
        if let Some(limit) = self.memory_limit
            && resident > limit
            && self.excess.is_none()
            && self.child.kill().is_ok()
        {
            self.excess = Some(death::excess(resident, limit));
        }
    }

    /// Asks the process to stop, once.
    fn stop(&mut self, cause: StopCause) {
        if let Some(mut input) = self.input.take() {
            // A process that cannot read it any more sees the end of its input, or has ended.
            let cause = serde_json::to_string(&cause).unwrap_or_default();
            let _ = writeln!(input, "{cause}");
        }
    }
}

/// Sends what a process prints, line by line, until it closes that pipe.
fn read_lines(pipe: Option<impl Read>, sender: &Sender<ChildOutput>) {
    let Some(pipe) = pipe else { return };
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line);
        let output = match serde_json::from_str(&text) {
            Ok(message) => ChildOutput::Message(message),
            Err(_) => ChildOutput::Line(text.into_owned()),
        };
        if sender.send(output).is_err() {
            return;
        }
    }
}
