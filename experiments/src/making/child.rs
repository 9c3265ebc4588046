//! The process of a cell.

use std::io::BufRead;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Event, Order, work};
use crate::cell::CellConfig;
use crate::cli::CellArgs;
use crate::lock::Lock;
use crate::memory;
use crate::progress::Progress;
use crate::records::{RunFile, Status};
use crate::run::Means;
use crate::session::Ending;
use crate::signals;

/// How long a run that was asked to stop may take for that before its process is ended.
const PATIENCE: Duration = Duration::from_secs(300);

/// Exit code of a process that had to be ended.
const IMPATIENT: i32 = 3;

/// `experiments cell`
pub fn run(arguments: &CellArgs) -> Result<Ending> {
    // Ctrl-C in a terminal reaches this process too; the one that started it says what happens then.
    let flag = Arc::new(AtomicBool::new(false));
    signals::raise_flag(&flag)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)
        .context("this command is for the program itself: use `experiments run`")?;
    let cell: CellConfig = toml::from_str(&order.config)?;
    let stop = Stop::listen(flag.clone())?;
    // This thread is one of them: work that is shared need not be handed over.
    rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads.get())
        .use_current_thread()
        .build_global()
        .context("cannot start the threads of the run")?;
    let directory = &arguments.directory;
    let outcome = work::guarded(&cell, directory, |lock| {
        stop.tell_by(lock);
        let data = flatland_data::load(cell.dataset, &arguments.data_dir)?;
        let mut device = cell.device.find(cell.dtype)?;
        device.verdict = order.verdict;
        let need = memory::need(&cell, order.share, device.threads(), &device.device)?;
        let mut progress = Progress::Told(None);
        let means = Means {
            data: &data,
            device: &device,
            need: &need,
            keeping: order.keeping,
        };
        let file = crate::run::execute(&cell, directory, &means, &flag, &mut progress)?;
        stop.explain(file, directory)
    });
    Event::Ended(outcome).tell();
    Ok(Ending::Success)
}

/// The wish that the run stops.
#[derive(Clone, Default)]
struct Stop {
    inner: Arc<Mutex<Wish>>,
}

#[derive(Default)]
struct Wish {
    /// Why the run is to stop.
    cause: Option<String>,
    /// Tells others of it.
    lock: Weak<Lock>,
}

impl Stop {
    /// Raises the flag when standard input holds another line, which is the cause, or ends, as it does when the process at
    /// its other end dies.
    fn listen(flag: Arc<AtomicBool>) -> Result<Self> {
        let stop = Self::default();
        let told = stop.clone();
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                let text = match read {
                    Ok(1..) => line.trim_end().to_owned(),
                    _ => "the end of the process that had started it".to_owned(),
                };
                told.note(text);
                flag.store(true, Ordering::Relaxed);
                std::thread::sleep(PATIENCE);
                tracing::error!("did not stop within {} s", PATIENCE.as_secs());
                signal_hook::low_level::exit(IMPATIENT);
            })?;
        Ok(stop)
    }

    fn note(&self, cause: String) {
        let mut wish = self.inner.lock().expect("no holder panics");
        wish.cause = Some(cause);
        wish.tell();
    }

    /// Lets the lock tell of the wish.
    fn tell_by(&self, lock: &Arc<Lock>) {
        let mut wish = self.inner.lock().expect("no holder panics");
        wish.lock = Arc::downgrade(lock);
        wish.tell();
    }

    /// Puts into the reason why the run was stopped. Nobody but the user stops it otherwise.
    fn explain(&self, mut file: RunFile, directory: &Path) -> Result<RunFile> {
        let cause = (self.inner.lock().expect("no holder panics").cause).take();
        if let (Status::Interrupted, Some(cause), Some(reason)) = (file.status, cause, &file.reason)
        {
            file.reason = Some(reason.replacen("the user", &cause, 1));
            file.write(directory)?;
        }
        Ok(file)
    }
}

impl Wish {
    fn tell(&self) {
        if let (Some(_), Some(lock)) = (&self.cause, self.lock.upgrade()) {
            lock.tell_of_stop();
        }
    }
}
