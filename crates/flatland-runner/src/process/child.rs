//! The process of a run.
//!
//! It reads an order from standard input, takes the lock of the directory, checks whether the run is finished, and
//! executes it. It answers with events, and stops as if interrupted when its standard input ends.

use std::io::BufRead;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use flatland_config::RunConfig;
use flatland_records::Program;

use super::protocol::Order;
use crate::device::FoundDevice;
use crate::guard;
use crate::memory;
use crate::observer::{Observer, RunEvent, RunObserver};
use crate::run::{self, RunContext};
use crate::signals;
use crate::stop::{StopCause, StopToken};

/// How long a run that was asked to stop may take for that before its process is ended.
const PATIENCE: Duration = Duration::from_secs(300);

/// The exit code of a process that had to be ended.
const DID_NOT_STOP: i32 = 3;

/// Makes the run that the [`Order`] on standard input describes, in `directory`, on a number of CPU threads. `observer`
/// hears of it as the run of number 1.
///
/// # Errors
///
/// The order cannot be read, or the threads cannot be started. An error of the run itself is an outcome.
pub fn make(
    directory: &Path,
    data_dir: &Path,
    threads: NonZeroUsize,
    program: &Program,
    observer: &dyn Observer,
) -> Result<()> {
    let stop = StopToken::new();
    // Ctrl-C in a terminal reaches this process too. Its parent says what happens then.
    signals::raise_flag(stop.flag())?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)
        .context("this command is for the program itself: use `experiments run`")?;
    let config: RunConfig = toml::from_str(&order.config)?;
    listen_to_parent(&stop)?;
    // This thread is one of the pool: work for the pool need not be handed over.
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.get())
        .use_current_thread()
        .build_global()
        .context("cannot start the threads of the run")?;
    let outcome = guard::guarded(&config, directory, program, |lock| {
        let announcing = Arc::downgrade(lock);
        stop.on_stop(move || {
            if let Some(lock) = announcing.upgrade() {
                lock.announce_stop();
            }
        });
        let data = flatland_data::load(config.dataset, data_dir)?;
        let mut device = FoundDevice::find(config.device, config.dtype)?;
        device.verdict = order.verdict;
        let need = memory::need(&config, order.share, device.threads(), &device.device)?;
        let context = RunContext {
            data: &data,
            device: &device,
            need: &need,
            checkpoints: order.checkpoints,
            program,
            stop: &stop,
            observer: RunObserver::new(observer, 1),
        };
        run::execute(&config, directory, &context)
    });
    observer.observe(&RunEvent::Ended {
        run: 1,
        outcome: &outcome,
    });
    Ok(())
}

/// Stops the run when standard input holds another line, which is the cause, or ends, as it does when the parent dies.
fn listen_to_parent(stop: &StopToken) -> Result<()> {
    let stop = stop.clone();
    std::thread::Builder::new()
        .name("listener".to_owned())
        .spawn(move || {
            let mut line = String::new();
            let cause = match std::io::stdin().lock().read_line(&mut line) {
                Ok(1..) => serde_json::from_str(&line).unwrap_or(StopCause::User),
                _ => StopCause::ParentEnded,
            };
            stop.stop(cause);
            std::thread::sleep(PATIENCE);
            tracing::error!("did not stop within {} s", PATIENCE.as_secs());
            signal_hook::low_level::exit(DID_NOT_STOP);
        })?;
    Ok(())
}
