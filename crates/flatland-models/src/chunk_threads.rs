//! Independent chunks side by side on a CPU.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads that each take a chunk through the whole network, while the chunk before and the chunk after are with the
/// others. Each is a rayon pool of one thread, so that the operators inside do not share theirs.
///
/// Results are taken in the order of the chunks, whichever lane is done first: sums are the same bits for any number of
/// lanes.
#[derive(Debug, Clone)]
pub(crate) struct Lanes(Arc<[ThreadPool]>);

impl Lanes {
    /// # Panics
    ///
    /// Where the operating system gives no thread.
    pub(crate) fn new(count: usize) -> Self {
        let lane = |index| {
            let builder = ThreadPoolBuilder::new().num_threads(1);
            let builder = builder.thread_name(move |_| format!("flatland lane {index}"));
            builder
                .build()
                .unwrap_or_else(|error| panic!("no thread for lane {index}: {error}"))
        };
        Self((0..count).map(lane).collect())
    }

    /// Gives `take` what `make` returns for `0..chunks`, in this order. A lane that is done waits until its result is
    /// taken, so that each holds one at most.
    ///
    /// # Panics
    ///
    /// With the panic of `make` or `take`.
    pub(crate) fn run<T: Send>(
        &self,
        chunks: usize,
        make: impl Fn(usize) -> T + Sync,
        mut take: impl FnMut(usize, T),
    ) {
        let lanes = self.0.len();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..lanes).map(|_| sync_channel(0)).unzip();
        let make = &make;
        let jobs = senders.into_iter().enumerate().map(|(lane, sender)| {
            move || {
                for chunk in (lane..chunks).step_by(lanes) {
                    if sender.send(make(chunk)).is_err() {
                        return; // nobody takes results any more
                    }
                }
            }
        });
        side_by_side(&self.0, jobs, || {
            for chunk in 0..chunks {
                match receivers[chunk % lanes].recv() {
                    Ok(result) => take(chunk, result),
                    Err(_) => break, // the lane has panicked, which comes through when all have ended
                }
            }
            drop(receivers);
        });
    }
}

/// Runs a job on each pool, and `here` on this thread, until all have ended.
fn side_by_side<J: FnOnce() + Send>(
    pools: &[ThreadPool],
    mut jobs: impl Iterator<Item = J>,
    here: impl FnOnce(),
) {
    match (pools.split_first(), jobs.next()) {
        (Some((pool, pools)), Some(job)) => pool.in_place_scope(|scope| {
            scope.spawn(|_| job());
            side_by_side(pools, jobs, here);
        }),
        _ => here(),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_chunks() {
        for (count, chunks) in [(1, 5), (2, 5), (3, 7), (4, 2), (2, 0)] {
            let mut taken = Vec::new();
            let make = |chunk: usize| {
                // Later chunks are done first.
                std::thread::sleep(std::time::Duration::from_millis(
                    2 * (chunks - chunk) as u64,
                ));
                10 * chunk
            };
            Lanes::new(count).run(chunks, make, |chunk, made| taken.push((chunk, made)));
            let expected: Vec<_> = (0..chunks).map(|chunk| (chunk, 10 * chunk)).collect();
            assert_eq!(taken, expected);
        }
    }

    #[test]
    fn operators_inside_a_lane_have_one_thread() {
        let threads = |_| rayon::current_num_threads();
        Lanes::new(2).run(2, threads, |_, count| assert_eq!(count, 1));
    }

    #[test]
    fn a_panic_comes_through_and_ends_the_others() {
        let lanes = Lanes::new(2);
        for broken in 0..4 {
            let make = |chunk| assert_ne!(chunk, broken, "chunk {broken} is broken");
            let run = catch_unwind(AssertUnwindSafe(|| lanes.run(4, make, |_, ()| ())));
            assert!(run.is_err());
        }
        let taking = || lanes.run(4, |chunk| chunk, |chunk, _| assert_ne!(chunk, 2));
        assert!(catch_unwind(AssertUnwindSafe(taking)).is_err());
        let mut taken = 0;
        lanes.run(4, |_| (), |_, ()| taken += 1); // they still work
        assert_eq!(taken, 4);
    }
}
