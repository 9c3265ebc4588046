//! Keeps rayon's threads awake between the parallel parts of a computation.
//!
//! A chunk of a network with batch normalization runs hundreds of operators of some ten microseconds each. Waking
//! rayon's threads for each of them took a tenth of the time of DenseNet121's gradient.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// The time that a thread searches for work before it may sleep: longer than the serial part of an operator.
const PATIENCE: Duration = Duration::from_millis(2);

/// With more threads than this, none is kept awake: the cost of so many searching threads was not measured.
const MOST: usize = 8;

/// Runs `work` on one of rayon's threads while the others search for parts of it.
///
/// An operator has some ten microseconds of parallel work, and between two operators one thread works alone. Rayon's
/// other threads then go to sleep, and waking them takes longer than the next operator.
///
/// A searching thread gives up after [`PATIENCE`], so a task that it has suspended is resumed.
pub(crate) fn keep_awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| {
        let done = Done(Arc::default());
        if (2..=MOST).contains(&rayon::current_num_threads()) {
            let (caller, is_done) = (rayon::current_thread_index(), done.0.clone());
            rayon::spawn_broadcast(move |context| {
                if Some(context.index()) != caller {
                    look_for_work(&is_done);
                }
            });
            // Runs this thread's own copy of the broadcast, which would otherwise stay in its queue.
            rayon::yield_local();
        }
        work()
    })
}

/// Stops the other threads, also if the work panics.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn look_for_work(is_done: &AtomicBool) {
    let mut last = Instant::now();
    while !is_done.load(Ordering::Relaxed) && last.elapsed() < PATIENCE {
        if rayon::yield_now() == Some(Yield::Executed) {
            last = Instant::now();
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rayon::ThreadPoolBuilder;
    use rayon::prelude::*;

    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        let builder = ThreadPoolBuilder::new().num_threads(threads);
        builder.build().expect("threads")
    }

    /// Small parallel parts with pauses between them, some of which are longer than the patience.
    fn halting(parts: u64) -> u64 {
        let sum = |part| {
            std::thread::sleep(Duration::from_micros(if part % 10 == 0 {
                2500
            } else {
                50
            }));
            (0..200u64).into_par_iter().map(|x| x ^ part).sum::<u64>()
        };
        (0..parts).map(sum).sum()
    }

    #[test]
    fn the_result_is_that_of_the_work_on_any_number_of_threads() {
        let expected = pool(1).install(|| halting(21));
        for threads in [1, 2, 3, 12] {
            assert_eq!(
                pool(threads).install(|| keep_awake(|| halting(21))),
                expected
            );
        }
        assert_eq!(keep_awake(|| halting(21)), expected);
    }

    #[test]
    fn the_caller_may_be_a_thread_of_the_pool() {
        let expected = pool(1).install(|| halting(21));
        let asked = || {
            let builder = ThreadPoolBuilder::new().num_threads(2).use_current_thread();
            let _pool = builder.build().expect("threads");
            [keep_awake(|| halting(21)), keep_awake(|| halting(21))]
        };
        // A thread can be in one pool only.
        let sums = std::thread::spawn(asked).join().unwrap();
        assert_eq!(sums, [expected; 2]);
    }

    #[test]
    fn computations_that_share_threads_do_not_block_each_other() {
        let pool = pool(2);
        let expected = pool.install(|| halting(30));
        // Each contains more such work, so threads find it while they wait.
        let nested = || {
            let inner = (0..4).into_par_iter().map(|_| keep_awake(|| halting(30)));
            inner.sum::<u64>()
        };
        let sums: Vec<u64> = std::thread::scope(|scope| {
            let works: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| pool.install(|| keep_awake(nested))))
                .collect();
            works.into_iter().map(|work| work.join().unwrap()).collect()
        });
        assert_eq!(sums, [4 * expected; 4]);
    }

    #[test]
    fn a_thread_gives_up_without_a_signal() {
        let (tell, told) = std::sync::mpsc::channel();
        pool(1).spawn(move || {
            look_for_work(&AtomicBool::new(false));
            tell.send(()).expect("a receiver");
        });
        let wait = told.recv_timeout(1000 * PATIENCE);
        assert!(wait.is_ok(), "a thread without work still searches");
    }

    #[test]
    fn the_others_are_stopped_also_if_the_work_panics() {
        let done = Done(Arc::default());
        let is_done = done.0.clone();
        let broken = move || {
            let _done = done;
            panic!("broken");
        };
        assert!(catch_unwind(AssertUnwindSafe(broken)).is_err());
        assert!(is_done.load(Ordering::Relaxed));
    }

    #[test]
    fn a_panic_is_propagated_and_leaves_the_threads_free() {
        let pool = pool(2);
        let broken = || pool.install(|| keep_awake(|| panic!("broken")));
        assert!(catch_unwind(AssertUnwindSafe(broken)).is_err());
        assert!(pool.install(|| keep_awake(|| halting(3))) > 0);
    }
}
