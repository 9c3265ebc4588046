//! Plans for one run.

use flatland_config::{DeviceName, FloatType, MiniBatchConfig};

use super::*;
use crate::device::FoundDevice;
use crate::testing::run_config;

/// A million parameters, a thousand numbers for each sample.
fn demand() -> MemoryModel {
    MemoryModel {
        footprint: Footprint {
            outputs: 1000,
            parameters: 1_000_000,
            ..Footprint::default()
        },
        number: 4,
        samples: 0,
        measures_sharpness: true,
    }
}

fn plan(chunk: Chunk, megabytes: u64, is_stated: bool) -> Result<MemoryPlan> {
    let bytes = megabytes * 1_000_000;
    demand().plan(&run_config(), chunk, Budget { bytes, is_stated })
}

#[test]
fn a_chunk_fills_the_budget_and_no_more() {
    let bytes = 120_000_000;
    let MemoryPlan {
        chunk,
        lanczos_basis,
    } = plan(Chunk::Auto, 120, true).unwrap();
    assert_eq!(lanczos_basis, None);
    assert!(demand().bytes(chunk, default_basis()) <= bytes);
    assert!(demand().bytes(chunk + 1, default_basis()) > bytes);
}

#[test]
fn the_basis_gives_way_before_the_default_chunk_does() {
    let found = plan(Chunk::Auto, 60, true).unwrap();
    assert_eq!(found.chunk, 50);
    let basis = found.lanczos_basis.unwrap();
    assert!((8..24).contains(&basis));
    assert!(demand().bytes(50, basis + 1) > 60_000_000);
}

#[test]
fn what_the_user_has_not_limited_is_not_refused() {
    let plan = |is_stated| plan(Chunk::OfNetwork, 10, is_stated);
    let least = MemoryPlan {
        chunk: 50,
        lanczos_basis: Some(8),
    };
    assert_eq!(plan(false).unwrap(), least);
    let problem = plan(true).unwrap_err().to_string();
    assert!(problem.contains("raise --memory"), "{problem}");
}

#[test]
fn a_run_without_measurements_needs_no_basis() {
    let demand = MemoryModel {
        measures_sharpness: false,
        ..demand()
    };
    assert_eq!(demand.bytes(50, 8), demand.bytes(50, 24));
    assert!(demand.bytes(50, 8) < self::demand().bytes(50, 8));
}

/// Threads take what memory is left, and no more than there are chunks.
#[test]
fn threads_are_as_many_as_fit() {
    let device = FoundDevice::find(DeviceName::Flex, FloatType::F32).unwrap();
    let most = 3;
    let of = |samples, bytes| {
        let run = RunConfig {
            samples,
            ..run_config()
        };
        let budget = Budget {
            bytes,
            is_stated: true,
        };
        need(&run, Some(budget), most, &device.device).unwrap()
    };
    let all = of(5000, u64::MAX);
    assert_eq!(all.threads, most);
    assert_eq!(of(50, u64::MAX).threads, 1, "one chunk");
    assert_eq!(of(5000, all.bytes).threads, most);
    let fewer = of(5000, all.bytes - 1);
    assert_eq!(fewer.threads, 2);
    assert!(fewer.bytes < all.bytes);
}

/// A chunk is never larger than the mini-batch it is a part of, whatever the budget.
#[test]
fn a_chunk_fills_a_mini_batch_and_no_more() {
    let budget = Budget {
        bytes: u64::MAX,
        is_stated: true,
    };
    let full = run_config();
    let stochastic = RunConfig {
        iterations: 0,
        mini_batches: Some(MiniBatchConfig {
            batch_size: 256,
            epochs: 1,
        }),
        ..full.clone()
    };
    let chunk = |run| demand().plan(run, Chunk::Auto, budget).unwrap().chunk;
    assert_eq!(chunk(&full), 5000);
    assert_eq!(chunk(&stochastic), 256);
    let samples = |run| MemoryModel::of(run, &Device::flex()).unwrap().samples;
    assert!(samples(&stochastic) >= samples(&full) + 2 * 256 * 3 * 32 * 32 * 4);
}
