//! How many runs are made at a time.
//!
//! A job takes a whole run, on its share of the threads: a thread that has a run to itself waits for no other.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use flatland_config::RunConfig;
use tracing::warn;

use crate::device::FoundDevice;
use crate::memory::{self, Budget};

/// How many runs are made at the same time, and the threads of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    pub count: usize,
    pub threads: usize,
}

impl Jobs {
    /// As many as `asked`. By default one for each thread of a CPU if there are more runs than threads, since a thread
    /// that has a run to itself waits for no other. Fewer if memory does not allow as many.
    pub fn plan(
        asked: Option<NonZeroUsize>,
        runs: &[&RunConfig],
        budget: Option<Budget>,
        device: &FoundDevice,
    ) -> Result<Self> {
        let threads = rayon::current_num_threads();
        let most = match asked {
            Some(asked) => asked.get().min(runs.len()),
            None if runs.len() > device.threads() => device.threads(),
            None => 1,
        };
        let fitting = match (most, budget) {
            (0 | 1, _) | (_, None) => 1.max(most),
            (_, Some(budget)) => {
                let need = |run: &&RunConfig| memory::need(run, None, 1, &device.device);
                let needs: Result<Vec<_>> = runs.iter().map(need).collect();
                let mut needs: Vec<u64> = needs?.iter().map(|need| need.bytes).collect();
                needs.sort_unstable_by(|left, right| right.cmp(left));
                // The largest runs may come at the same time.
                let sum = |needs: &[u64]| needs.iter().copied().fold(0, u64::saturating_add);
                let fits = |count: &usize| budget.holds(sum(&needs[..*count]));
                (2..=most).rev().find(fits).unwrap_or(1)
            }
        };
        let count = match asked {
            Some(asked) if fitting < most => {
                warn!(
                    "--jobs {asked}: memory is enough for {fitting} of these runs at the same time"
                );
                most
            }
            _ => fitting,
        };
        Ok(Self {
            count,
            threads: (threads / count).max(1),
        })
    }

    /// Calls `make` with every place below `count`, in order, on as many threads as there are jobs. After a call has
    /// returned `false`, no other starts.
    pub fn run(self, count: usize, make: impl Fn(usize) -> bool + Sync) {
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= count {
                    return;
                }
                if !make(place) {
                    next.store(count, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.count {
                scope.spawn(work);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::testing;
    use flatland_config::{DeviceName, FloatType};

    #[test]
    fn jobs_are_as_many_as_there_are_threads_runs_and_memory() {
        let device = FoundDevice::find(DeviceName::Flex, FloatType::F32).unwrap();
        let threads = device.threads();
        let run = testing::run_config();
        let need = memory::need(&run, None, 1, &device.device).unwrap().bytes;
        let plan = |asked, runs, bytes| {
            let budget = Some(Budget::stated(bytes));
            Jobs::plan(NonZeroUsize::new(asked), &vec![&run; runs], budget, &device).unwrap()
        };
        let of = |count: usize| Jobs {
            count,
            threads: (threads / count).max(1),
        };
        assert_eq!(plan(0, threads + 1, u64::MAX), of(threads));
        assert_eq!(
            plan(0, threads, u64::MAX),
            of(1),
            "no more runs than threads"
        );
        assert_eq!(plan(0, threads + 1, need), of(1), "memory for one");
        assert_eq!(plan(3, 8, u64::MAX), of(3));
        assert_eq!(plan(3, 2, u64::MAX), of(2));
        assert_eq!(plan(3, 8, need), of(3), "asked for against the warning");
        assert_eq!(plan(0, 0, u64::MAX), of(1));
    }

    #[test]
    fn every_place_is_taken_once_until_one_says_stop() {
        let jobs = Jobs {
            count: 3,
            threads: 2,
        };
        let taken = Mutex::new(Vec::new());
        jobs.run(20, |place| {
            taken.lock().unwrap().push(place);
            true
        });
        let mut places = std::mem::take(&mut *taken.lock().unwrap());
        places.sort_unstable();
        assert_eq!(places, Vec::from_iter(0..20));

        let one = Jobs { count: 1, ..jobs };
        one.run(20, |place| {
            taken.lock().unwrap().push(place);
            place < 4
        });
        assert_eq!(*taken.lock().unwrap(), [0, 1, 2, 3, 4]);
    }
}
