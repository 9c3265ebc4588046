//! Rayon's threads, kept from falling asleep while there is work every now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::Yield;

/// How long a thread looks for work in vain before it may fall asleep: longer than what an operator does alone.
const PATIENCE: Duration = Duration::from_millis(2);

/// More threads than these are left alone: it was not measured what so many that look for work cost.
const MOST: usize = 8;

/// Does work on one of rayon's threads, and has the others look for parts of it until it is done.
///
/// An operator shares some ten microseconds of work, and between two of them one thread is alone. Rayon's others then
/// fall asleep, and to be woken takes them longer than the next operator.
///
/// A thread that looks in vain gives up in time, so that no part that it has begun before waits for this one for good.
pub(crate) fn awake<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| {
        let done = Done(Arc::default());
        if (2..=MOST).contains(&rayon::current_num_threads()) {
            let (caller, is_done) = (rayon::current_thread_index(), done.0.clone());
            rayon::spawn_broadcast(move |context| {
                if Some(context.index()) != caller {
                    look_for_work(&is_done);
                }
            });
            // This thread's own, which would stay in its queue until it waits for another.
            rayon::yield_local();
        }
        work()
    })
}

/// Tells the others, also when the work panics.
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

    /// Small parallel parts with pauses in between, some longer than the patience.
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
            assert_eq!(pool(threads).install(|| awake(|| halting(21))), expected);
        }
        assert_eq!(awake(|| halting(21)), expected);
    }

    #[test]
    fn the_thread_that_asks_may_be_one_of_the_pools() {
        let expected = pool(1).install(|| halting(21));
        let asked = || {
            let builder = ThreadPoolBuilder::new().num_threads(2).use_current_thread();
            let _pool = builder.build().expect("threads");
            [awake(|| halting(21)), awake(|| halting(21))]
        };
        // A thread can be in one pool only.
        let sums = std::thread::spawn(asked).join().unwrap();
        assert_eq!(sums, [expected; 2]);
    }

    #[test]
    fn works_that_share_the_threads_do_not_wait_for_each_other_for_good() {
        let pool = pool(2);
        let expected = pool.install(|| halting(30));
        // Each has parts in which more such work is done, so that threads come by it while they wait.
        let nested = || {
            let inner = (0..4).into_par_iter().map(|_| awake(|| halting(30)));
            inner.sum::<u64>()
        };
        let sums: Vec<u64> = std::thread::scope(|scope| {
            let works: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| pool.install(|| awake(nested))))
                .collect();
            works.into_iter().map(|work| work.join().unwrap()).collect()
        });
        assert_eq!(sums, [4 * expected; 4]);
    }

    #[test]
    fn a_thread_gives_up_without_being_told() {
        let (tell, told) = std::sync::mpsc::channel();
        pool(1).spawn(move || {
            look_for_work(&AtomicBool::new(false));
            tell.send(()).expect("one who waits");
        });
        let wait = told.recv_timeout(1000 * PATIENCE);
        assert!(wait.is_ok(), "a thread with nothing to do still looks");
    }

    #[test]
    fn the_others_are_told_also_when_the_work_panics() {
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
    fn a_panic_comes_through_and_leaves_the_threads_free() {
        let pool = pool(2);
        let broken = || pool.install(|| awake(|| panic!("broken")));
        assert!(catch_unwind(AssertUnwindSafe(broken)).is_err());
        assert!(pool.install(|| awake(|| halting(3))) > 0);
    }
}
