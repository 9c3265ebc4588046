//! The tasks of the race for flatland alone, by criterion, whose report compares with an earlier run.
//!
//! ```sh
//! cargo bench -p flatland-bench                     # all, some ten minutes
//! cargo bench -p flatland-bench -- cnn              # tasks with this in their name
//! cargo bench -p flatland-bench -- "cnn.*gradient" --save-baseline before
//! ```

use std::cell::RefCell;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use flatland_bench::allocator;
use flatland_bench::subject::{Subject, TimedTask};

/// The iterations of NLS before an iteration or the sharpness is timed, as in the race.
const TRAINED: usize = 100;

/// A task and its name.
type Named = (&'static str, TimedTask);

const PASSES: [Named; 3] = [
    ("gradient", TimedTask::Gradient),
    ("H·v, new point", TimedTask::Product),
    ("H·v, same point", TimedTask::Further),
];
const WHOLE: [Named; 2] = [
    ("iteration of NLS", TimedTask::Iteration),
    ("sharpness to 1e-3", TimedTask::Sharpness { seed: 0 }),
];

/// A network, its samples, iterations of training, and what is timed.
const SUBJECTS: [(&str, usize, usize, &[Named]); 8] = [
    ("mlp", 5000, 0, &PASSES),
    ("cnn", 500, 0, &PASSES),
    ("resnet34", 32, 0, &PASSES),
    ("densenet121", 32, 0, &PASSES),
    ("vgg11", 32, 0, &PASSES),
    ("wide-resnet50-2", 32, 0, &PASSES),
    ("mlp", 5000, TRAINED, &WHOLE),
    ("cnn", 500, TRAINED, &WHOLE),
];

fn tasks(criterion: &mut Criterion) {
    allocator::keep_memory();
    for (network, samples, trained, tasks) in SUBJECTS {
        // Made when the first of its tasks is wanted.
        let subject = RefCell::new(None);
        let mut group = criterion.benchmark_group(format!("{network} {samples}"));
        group.sample_size(10);
        for (name, task) in tasks {
            group.bench_function(*name, |bencher| {
                let mut subject = subject.borrow_mut();
                let subject = subject.get_or_insert_with(|| {
                    let prepared = Subject::prepare(network, samples, trained, None);
                    prepared.expect("a network of the list")
                });
                bencher.iter_custom(|count| {
                    (0..count)
                        .map(|_| {
                            let answer = subject.run(*task).expect("a task that ends");
                            let milliseconds = answer["milliseconds"].as_f64();
                            Duration::from_secs_f64(milliseconds.expect("a time") / 1e3)
                        })
                        .sum()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, tasks);
criterion_main!(benches);
