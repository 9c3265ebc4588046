//! Making the runs of a grid: side by side, each in a process of its own unless the user wants them in this one.
//!
//! A job takes a whole run. Runs that are executed at the same time share the threads, which changes no bit of their
//! results. The outcome of a run is a value, not an error: nothing that happens to one run ends the others.

mod abandoned;
mod jobs;
pub(crate) mod task;

use std::sync::Mutex;

use anyhow::{Context, Result};
use flatland_data::Loaded;

use crate::guard;
use crate::memory::{self, Budget};
use crate::observer::{RunEvent, RunObserver};
use crate::outcome::RunOutcome;
use crate::process::parent;
use crate::run::{self, RunContext};
use jobs::Jobs;

pub use task::{RunTask, Scheduler};

impl Scheduler<'_> {
    /// Makes the runs in order, then those that other processes had begun and abandoned. Returns the outcome of each;
    /// `None` for those that were not begun when the runs were asked to stop.
    ///
    /// # Errors
    ///
    /// The memory of a run cannot be estimated.
    pub fn make(&self, tasks: &[RunTask<'_>]) -> Result<Vec<Option<RunOutcome>>> {
        let configs: Vec<_> = tasks.iter().map(|task| task.config).collect();
        let jobs = Jobs::plan(self.jobs, &configs, self.budget, self.device)?;
        if jobs.count > 1 {
            let Jobs { count, threads } = jobs;
            self.observer.note(&format!(
                "{count} runs at the same time, each on {threads} of the CPU's threads"
            ));
        }
        let outcomes = Mutex::new(vec![None; tasks.len()]);
        let make = |index: usize| {
            let outcome = self.make_one(&tasks[index], jobs);
            outcomes.lock().expect("no holder panics")[index] = Some(outcome);
            !self.stop.is_stopped()
        };
        let mut open: Vec<usize> = (0..tasks.len()).collect();
        while !open.is_empty() {
            jobs.run(open.len(), |place| make(open[place]));
            let mut known = outcomes.lock().expect("no holder panics");
            open = abandoned::find(tasks, &mut known, self.stop, self.observer);
        }
        Ok(outcomes.into_inner().expect("no holder panics"))
    }

    fn make_one(&self, task: &RunTask<'_>, jobs: Jobs) -> RunOutcome {
        let name = task.config.directory_name();
        self.observer.observe(&RunEvent::Started {
            run: task.number,
            runs: task.count,
            name: &name,
            iterations: task.config.steps(task.config.samples),
        });
        let share = self.budget.map(|budget| budget.share(jobs.count));
        let outcome = match self.in_process {
            Some(data) => self.make_here(task, &data[&task.config.dataset], jobs, share),
            None => parent::make(self, task, jobs.threads, share),
        };
        RunObserver::new(self.observer, task.number).ended(&outcome);
        outcome
    }

    /// Makes a run in this process, on threads of its own.
    fn make_here(
        &self,
        task: &RunTask<'_>,
        data: &Loaded,
        jobs: Jobs,
        share: Option<Budget>,
    ) -> RunOutcome {
        let (config, directory) = (task.config, &task.directory);
        guard::guarded(config, directory, self.program, |_| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(jobs.threads)
                .build()
                .context("cannot start the threads of the run")?;
            pool.install(|| {
                let device = self.device;
                let need = memory::need(config, share, device.threads(), &device.device)?;
                let context = RunContext {
                    data,
                    device,
                    need: &need,
                    checkpoints: self.checkpoints,
                    program: self.program,
                    stop: self.stop,
                    observer: RunObserver::new(self.observer, task.number),
                };
                run::execute(config, directory, &context)
            })
        })
    }
}
