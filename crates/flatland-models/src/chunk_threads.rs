//! Chunks in parallel on a CPU.
//!
//! On a CPU, an operator is often too small for several threads. Each thread processes whole chunks instead, and
//! results are added in the order of the chunks.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads that process chunks in parallel. Each thread is a rayon pool of its own, so the operators inside use one
/// thread.
///
/// Results are taken in the order of the chunks, so sums have the same bits for any number of threads.
#[derive(Debug, Clone)]
pub(crate) struct ChunkThreads(Arc<[ThreadPool]>);

impl ChunkThreads {
    /// Starts `count` threads.
    ///
    /// # Panics
    ///
    /// Panics if the operating system starts no more threads.
    pub(crate) fn new(count: usize) -> Self {
        let pool = |index| {
            let builder = ThreadPoolBuilder::new().num_threads(1);
            let builder = builder.thread_name(move |_| format!("flatland chunk thread {index}"));
            builder
                .build()
                .unwrap_or_else(|error| panic!("cannot start chunk thread {index}: {error}"))
        };
        Self((0..count).map(pool).collect())
    }

    /// Computes `compute(chunk)` for every chunk in `0..chunks` and passes the results to `take` in this order. A
    /// thread waits until its result is taken, so it holds at most one result.
    ///
    /// # Panics
    ///
    /// Panics if `compute` or `take` panics.
    pub(crate) fn run<T: Send>(
        &self,
        chunks: usize,
        compute: impl Fn(usize) -> T + Sync,
        mut take: impl FnMut(usize, T),
    ) {
        let threads = self.0.len();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| sync_channel(0)).unzip();
        let compute = &compute;
        let jobs = senders.into_iter().enumerate().map(|(thread, sender)| {
            move || {
                for chunk in (thread..chunks).step_by(threads) {
                    if sender.send(compute(chunk)).is_err() {
                        return; // the receivers are gone: `take` has panicked
                    }
                }
            }
        });
        side_by_side(&self.0, jobs, || {
            for chunk in 0..chunks {
                match receivers[chunk % threads].recv() {
                    Ok(result) => take(chunk, result),
                    Err(_) => break, // the thread has panicked; the panic is propagated when all threads have ended
                }
            }
            drop(receivers);
        });
    }
}

/// Runs a job on each pool and `here` on this thread. Returns when all have ended.
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
            let compute = |chunk: usize| {
                // Later chunks finish first.
                std::thread::sleep(std::time::Duration::from_millis(
                    2 * (chunks - chunk) as u64,
                ));
                10 * chunk
            };
            ChunkThreads::new(count)
                .run(chunks, compute, |chunk, result| taken.push((chunk, result)));
            let expected: Vec<_> = (0..chunks).map(|chunk| (chunk, 10 * chunk)).collect();
            assert_eq!(taken, expected);
        }
    }

    #[test]
    fn operators_inside_a_chunk_have_one_thread() {
        let threads = |_| rayon::current_num_threads();
        ChunkThreads::new(2).run(2, threads, |_, count| assert_eq!(count, 1));
    }

    #[test]
    fn a_panic_is_propagated_and_ends_the_others() {
        let threads = ChunkThreads::new(2);
        for broken in 0..4 {
            let compute = |chunk| assert_ne!(chunk, broken, "chunk {broken} is broken");
            let run = catch_unwind(AssertUnwindSafe(|| threads.run(4, compute, |_, ()| ())));
            assert!(run.is_err());
        }
        let taking = || threads.run(4, |chunk| chunk, |chunk, _| assert_ne!(chunk, 2));
        assert!(catch_unwind(AssertUnwindSafe(taking)).is_err());
        let mut taken = 0;
        threads.run(4, |_| (), |_, ()| taken += 1); // they still work
        assert_eq!(taken, 4);
    }
}
