//! Plans for one cell.

use flatland_data::Dataset;
use flatland_models::{Architecture, Loss};
use flatland_optim::GradientDescentConfig;

use super::*;
use crate::cell::{Init, MiniBatchConfig};
use crate::device::DeviceName;
use crate::method::MethodConfig;

/// A run of the CNN on CIFAR-10.
pub(crate) fn cell() -> CellConfig {
    CellConfig {
        dataset: Dataset::Cifar10,
        loss: Loss::Mse,
        seed: 0,
        iterations: 1,
        samples: 5000,
        first_per_class: None,
        chunk: 50,
        sharpness_every: 1,
        lanczos_basis: None,
        accuracy_every: 0,
        diagnostics: None,
        segment: None,
        mini_batches: None,
        init: Init::Pytorch,
        dtype: FloatType::F32,
        device: DeviceName::Flex,
        network: Architecture::named("cnn").unwrap(),
        method: MethodConfig::Gd(GradientDescentConfig::new(1.0)),
    }
}

/// A million parameters, a thousand numbers for each sample.
fn demand() -> Demand {
    Demand {
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

fn plan(chunk: Chunk, megabytes: u64, is_stated: bool) -> Result<Plan> {
    let bytes = megabytes * 1_000_000;
    demand().plan(&cell(), chunk, Budget { bytes, is_stated })
}

#[test]
fn a_chunk_fills_the_budget_and_no_more() {
    let bytes = 120_000_000;
    let Plan {
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
    let least = Plan {
        chunk: 50,
        lanczos_basis: Some(8),
    };
    assert_eq!(plan(false).unwrap(), least);
    let problem = plan(true).unwrap_err().to_string();
    assert!(problem.contains("raise --memory"), "{problem}");
}

#[test]
fn a_run_without_measurements_needs_no_basis() {
    let demand = Demand {
        measures_sharpness: false,
        ..demand()
    };
    assert_eq!(demand.bytes(50, 8), demand.bytes(50, 24));
    assert!(demand.bytes(50, 8) < self::demand().bytes(50, 8));
}

/// Threads take what memory is left, and no more than there are chunks.
#[test]
fn threads_are_as_many_as_fit() {
    let device = DeviceName::Flex.find(FloatType::F32).unwrap();
    let most = 3;
    let of = |samples, bytes| {
        let cell = CellConfig { samples, ..cell() };
        let budget = Budget {
            bytes,
            is_stated: true,
        };
        need(&cell, Some(budget), most, &device.device).unwrap()
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
    let full = cell();
    let stochastic = CellConfig {
        iterations: 0,
        mini_batches: Some(MiniBatchConfig {
            batch_size: 256,
            epochs: 1,
        }),
        ..full.clone()
    };
    let chunk = |cell| demand().plan(cell, Chunk::Auto, budget).unwrap().chunk;
    assert_eq!(chunk(&full), 5000);
    assert_eq!(chunk(&stochastic), 256);
    let samples = |cell| Demand::of(cell, &Device::flex()).unwrap().samples;
    assert!(samples(&stochastic) >= samples(&full) + 2 * 256 * 3 * 32 * 32 * 4);
}
