//! Mini-batches: what an epoch goes through, and what a step sees.

mod common;

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{Tensors, digits, relative_error, to_vec};
use flatland_models::{Batch, FullBatch, InputShape, Loss, MiniBatches};
use flatland_optim::{Curvature, LineSearchConfig, Method, Objective, Outcome, vector};

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

/// The step that a search accepts satisfies the condition on the batch that gave its gradient.
#[test]
fn a_search_and_its_update_see_one_batch() {
    let batches = MiniBatches::new(chunks(70), 32, 1);
    let (_, mut objective, mut point) = digits(DType::F64, Loss::Mse, 500);
    let config = LineSearchConfig::ponos();
    let mut search = config.init().unwrap();
    for index in 0..batches.per_epoch() {
        objective.set_samples(batches.batch(0, index));
        let (loss, gradient) = objective.loss_and_gradient(&point);
        let (next, step) = search.step(&mut objective, point.clone());
        assert_eq!(step.outcome, Outcome::Stepped);
        assert_eq!(step.loss, loss);
        let stepped = vector::axpy(-step.step_size, &gradient, &point);
        assert_eq!(to_vec(stepped), to_vec(next.clone()));
        let after = objective.loss(&next);
        assert_eq!(step.accepted_loss, Some(after));
        let decrease = config.sufficient_decrease * step.step_size * step.gradient_norm.powi(2);
        assert!(after <= step.reference_value.unwrap() - decrease);
        objective.commit_step();
        point = next;
    }
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
