//! Rayon's threads, kept from falling asleep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a thread looks for work in vain before it is allowed to sleep.
const PATIENCE: Duration = Duration::from_millis(2);

struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(crate) fn awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| {
        let done = Done(Arc::default());
        if rayon::current_num_threads() > 1 {
            let caller = rayon::current_thread_index();
            let is_done = done.0.clone();
            rayon::spawn_broadcast(move |context| {
                if Some(context.index()) != caller {
                    look_for_work(&is_done);
                }
            });
        }
        work()
    })
}

fn look_for_work(is_done: &AtomicBool) {
    let mut last = Instant::now();
    while !is_done.load(Ordering::Acquire) {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            last = Instant::now();
        } else if last.elapsed() > PATIENCE {
            return;
        } else {
            std::hint::spin_loop();
        }
    }
}
