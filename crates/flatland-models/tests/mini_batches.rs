//! Mini-batches: the samples of an epoch, and the samples of a step.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Tensors, digits, relative_error, to_vec};
use flatland_models::{
    Batch, CnnConfig, FullBatch, Initializer, InputShape, Loss, MiniBatches, Norm,
    RunningStatistics,
};
use flatland_optim::module::flatten;
use flatland_optim::{
    Curvature, Evaluations, LineSearchConfig, Method, Objective, Outcome, vector,
};
use proptest::prelude::*;

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 8,
    width: 8,
};

/// The samples of [`digits`].
fn chunks(chunk: usize) -> Vec<Batch> {
    let case = Tensors::open("mlp_tanh.safetensors");
    upload(&case.entries("x"), &case.entries("y"), chunk)
}

fn upload(images: &[f64], targets: &[f64], chunk: usize) -> Vec<Batch> {
    let labels: Vec<u8> = (targets.chunks(10))
        .map(|row| row.iter().position(|&y| y == 1.0).unwrap() as u8)
        .collect();
    let device = Device::flex();
    Batch::chunks(images, SHAPE, &labels, 10, chunk, &device, DType::F64)
}

#[test]
fn an_epoch_goes_through_every_sample_once_in_an_order_of_its_own() {
    let batches = MiniBatches::new(chunks(70), 64, 3);
    assert_eq!((batches.samples(), batches.per_epoch()), (500, 8));
    let order = batches.order(5);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..500).collect::<Vec<_>>());
    assert_eq!(order, MiniBatches::new(chunks(500), 10, 3).order(5));
    assert_ne!(order, batches.order(4));
    assert_ne!(order, MiniBatches::new(chunks(70), 64, 4).order(5));
}

/// Also where a batch draws from several chunks, and where it is larger than one.
#[test]
fn the_losses_of_an_epochs_batches_average_to_that_of_all_samples() {
    for (chunk, batch_size, count) in [(70, 64, 8), (30, 64, 8), (500, 125, 4), (500, 900, 1)] {
        let (_, mut objective, point) = digits(DType::F64, Loss::Mse, 500);
        let (whole, gradient) = objective.loss_and_gradient(&point);
        let batches = MiniBatches::new(chunks(chunk), batch_size, 1);
        assert_eq!(batches.per_epoch(), count);
        let (mut loss, mut sum) = (0.0, vec![0.0; gradient.dims()[0]]);
        for index in 0..count {
            let share = batch_size.min(500 - index * batch_size) as f64 / 500.0;
            objective.set_samples(batches.batch(2, index));
            let (part, gradient) = objective.loss_and_gradient(&point);
            loss += share * part;
            (sum.iter_mut().zip(to_vec(gradient))).for_each(|(sum, part)| *sum += share * part);
        }
        assert!((loss - whole).abs() < 1e-12 * whole, "{loss} {whole}");
        assert!(relative_error(&sum, &to_vec(gradient)) < 1e-11);
    }
}

/// Image with label, row by row.
#[test]
fn a_batch_holds_the_samples_that_its_order_names() {
    let case = Tensors::open("mlp_tanh.safetensors");
    let (images, targets) = (case.entries("x"), case.entries("y"));
    let batches = MiniBatches::new(chunks(70), 64, 9);
    let (network, mut objective, point) = digits(DType::F64, Loss::Mse, 500);
    for index in [0, 7] {
        let order = batches.order(0);
        let wanted = &order[index * 64..order.len().min(index * 64 + 64)];
        let rows = |entries: &[f64], width: usize| -> Vec<f64> {
            let rows = wanted.iter().map(|&row| &entries[row * width..][..width]);
            rows.flatten().copied().collect()
        };
        let same = upload(&rows(&images, 64), &rows(&targets, 10), 64);
        let mut expected = FullBatch::new(network.clone(), Loss::Mse, same);
        objective.set_samples(batches.batch(0, index));
        assert_eq!(objective.loss(&point), expected.loss(&point), "to the bit");
        let accuracy = |objective: &FullBatch| objective.evaluate(&point, None).accuracy;
        assert_eq!(accuracy(&objective), accuracy(&expected));
    }
}

/// Gradient, trials and decrease of a step of PoNoS are all of one batch, which is here built from the same samples by
/// other means: `R = max(C, f)` with the mean `C` of all batches' losses so far, `f(w − ηg) ≤ R − ½η‖g‖²`, a first
/// trial that is Polyak's times `δ^l`, and a point that is exactly `w − ηg`.
fn ponos_sees_one_batch_a_step(seed: u64, batch_size: usize, loss: Loss) {
    let case = Tensors::open("mlp_tanh.safetensors");
    let (images, targets) = (case.entries("x"), case.entries("y"));
    let batches = MiniBatches::new(chunks(70), batch_size, seed);
    let (network, objective, mut point) = digits(DType::F64, loss, 500);
    let mut objective = flatland_optim::Counted::new(objective);
    let config = LineSearchConfig::ponos();
    let mut search = config.init().unwrap();
    let (mut losses, mut cuts) = (Vec::new(), 0u32);
    for step in 0..12 {
        let (epoch, index) = (step / batches.per_epoch(), step % batches.per_epoch());
        let order = batches.order(epoch as u64);
        let end = order.len().min((index + 1) * batch_size);
        let rows = |entries: &[f64], width: usize| -> Vec<f64> {
            let rows = order[index * batch_size..end].iter();
            let rows = rows.map(|&row| &entries[row * width..][..width]);
            rows.flatten().copied().collect()
        };
        let same = upload(&rows(&images, 64), &rows(&targets, 10), 500);
        let mut independent = FullBatch::new(network.clone(), loss, same);
        let (start, gradient) = independent.loss_and_gradient(&point);
        let squared_norm = vector::norm(&gradient).powi(2);
        losses.push(start);

        (objective.inner_mut()).set_samples(batches.batch(epoch as u64, index));
        let before = objective.evaluations();
        let (next, step) = search.step(&mut objective, point.clone());
        assert_eq!(step.outcome, Outcome::Stepped);
        let close = |left: f64, right: f64| (left - right).abs() <= 1e-10 * right.abs();
        assert!(close(step.loss, start), "{} {start}", step.loss);
        let average = losses.iter().sum::<f64>() / losses.len() as f64;
        assert!(close(step.average_loss.unwrap(), average));
        let reference = average.max(start);
        assert!(close(step.reference_value.unwrap(), reference));
        let polyak = (start / (0.1 * squared_norm + 1e-8)).clamp(1e-6, 10.0);
        let first = (polyak * 0.5f64.powi(cuts as i32)).max(1e-6);
        assert!(close(step.initial_step_size.unwrap(), first));
        cuts = (cuts + step.backtracks).saturating_sub(1);

        let after = independent.loss(&next);
        assert!(close(step.accepted_loss.unwrap(), after));
        let decrease = 0.5 * step.step_size * squared_norm;
        assert!(after <= (reference - decrease) * (1.0 + 1e-10));
        if step.backtracks > 0 {
            let larger = vector::axpy(-2.0 * step.step_size, &gradient, &point);
            let refused = independent.loss(&larger);
            assert!(refused > (reference - 2.0 * decrease) * (1.0 - 1e-10));
        }
        let stepped = vector::axpy(-step.step_size, &gradient, &point);
        assert!(relative_error(&to_vec(next.clone()), &to_vec(stepped)) < 1e-12);
        let expected = Evaluations {
            losses: before.losses + u64::from(step.trials),
            gradients: before.gradients + 1,
            ..before
        };
        assert_eq!(objective.evaluations(), expected);
        objective.inner_mut().commit_step();
        point = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_and_its_update_see_one_batch(
        seed in 0u64..1000,
        batch_size in 8usize..200,
        entropy: bool,
    ) {
        let loss = if entropy { Loss::CrossEntropy } else { Loss::Mse };
        ponos_sees_one_batch_a_step(seed, batch_size, loss);
    }
}

/// Two normalizations on 8 × 8 digits.
fn normalized(chunk: usize) -> (FullBatch, Tensor<1>) {
    let config = CnnConfig {
        channels: [4, 4],
        norm: Norm::Batch,
        ..CnnConfig::default()
    };
    let mut initializer = Initializer::new(1, &Device::flex(), DType::F64);
    let network = config.init(SHAPE, 10, &mut initializer);
    let point = flatten(&network);
    (FullBatch::new(network, Loss::Mse, chunks(chunk)), point)
}

fn entries(statistics: &RunningStatistics) -> Vec<f64> {
    let tensors = statistics.tensors();
    tensors
        .flat_map(|(_, tensor)| to_vec(tensor.clone()))
        .collect()
}

/// They move once for a step, towards the statistics of the batch of that step. A batch without a step leaves nothing.
#[test]
fn running_statistics_move_with_a_step_and_by_its_batch() {
    let batches = MiniBatches::new(chunks(100), 64, 1);
    let (mut objective, point) = normalized(100);
    let now = |objective: &FullBatch| entries(objective.running_statistics().unwrap());
    let start = now(&objective);

    objective.set_samples(batches.batch(0, 0));
    let (_, gradient) = objective.loss_and_gradient(&point);
    objective.loss(&vector::axpy(-1.0, &gradient, &point));
    objective.hvp(&point, &gradient);
    objective.evaluate(&point, None);
    assert_eq!(now(&objective), start, "no step was taken");

    // Passed over; the next batch gives a step.
    objective.set_samples(batches.batch(0, 1));
    objective.loss_and_gradient(&point);
    objective.commit_step();
    let moved = now(&objective);
    let (mut alone, _) = normalized(100);
    alone.set_samples(batches.batch(0, 1));
    alone.loss_and_gradient(&point);
    alone.commit_step();
    assert_eq!(moved, now(&alone));
    assert_ne!(moved, start);

    objective.set_samples(batches.batch(0, 2));
    assert_eq!(
        now(&objective),
        moved,
        "the statistics stay with the network"
    );
    objective.loss_and_gradient(&point);
    objective.commit_step();
    assert_ne!(now(&objective), moved);
}

/// A batch larger than a chunk is normalized chunk by chunk.
#[test]
fn a_chunk_of_a_batch_is_its_ghost_batch() {
    let (mut objective, point) = normalized(500);
    let mut loss_of = |batches: MiniBatches| {
        objective.set_samples(batches.batch(0, 0));
        objective.loss(&point)
    };
    let whole = loss_of(MiniBatches::new(chunks(500), 100, 1));
    let ghosts = loss_of(MiniBatches::new(chunks(50), 100, 1));
    assert!((whole / ghosts - 1.0).abs() > 1e-6, "{whole} {ghosts}");
    let batches = MiniBatches::new(chunks(50), 100, 1);
    let parts: Vec<f64> = (batches.batch(0, 0).into_iter())
        .map(|chunk| {
            objective.set_samples(vec![chunk]);
            objective.loss(&point)
        })
        .collect();
    assert_eq!(parts.len(), 2);
    assert!(((parts[0] + parts[1]) / 2.0 - ghosts).abs() < 1e-14);
}

#[test]
fn the_hessian_of_a_batch_is_symmetric_and_its_own() {
    let batches = MiniBatches::new(chunks(70), 100, 1);
    let (_, mut objective, point) = digits(DType::F64, Loss::CrossEntropy, 500);
    let mut stream = flatland_random::stream(0, "directions", 0);
    let mut direction = || {
        let dimension = point.dims()[0];
        let entries: Vec<f64> = (0..dimension)
            .map(|_| flatland_random::normal(&mut stream))
            .collect();
        let data = TensorData::new(entries, [dimension]);
        Tensor::<1>::from_data(data, (&Device::flex(), DType::F64))
    };
    let (u, v) = (direction(), direction());
    let mut curvatures = Vec::new();
    for index in [1, 3] {
        objective.set_samples(batches.batch(0, index));
        let (hu, hv) = (objective.hvp(&point, &u), objective.hvp(&point, &v));
        let (left, right) = (vector::dot(&u, &hv), vector::dot(&v, &hu));
        assert!((left - right).abs() < 1e-11 * vector::norm(&u) * vector::norm(&hv));
        // Against the gradient of the same batch.
        let t = 1e-5;
        let mut gradient =
            |t: f64| to_vec(objective.loss_and_gradient(&vector::axpy(t, &v, &point)).1);
        let (up, down) = (gradient(t), gradient(-t));
        let difference: Vec<f64> = (up.iter().zip(&down))
            .map(|(up, down)| (up - down) / (2.0 * t))
            .collect();
        assert!(relative_error(&difference, &to_vec(hv)) < 1e-6);
        curvatures.push(left);
    }
    assert_ne!(curvatures[0], curvatures[1]);
}
