//! Interrupted objectives, and resumed ones.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{DType, Device, Tensor, TensorData};
use common::to_vec;
use flatland_models::{
    Batch, CnnConfig, Evaluation, FullBatch, Initializer, InputShape, Loss, Norm,
};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, LineSearchConfig, Method, Objective};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 8,
    width: 8,
};

/// A network with batch normalization, on random images in five chunks.
fn objective() -> (FullBatch, Tensor<1>) {
    let device = Device::flex();
    let mut random = flatland_random::stream(1, "images", 0);
    let images: Vec<f64> = (0..20 * 64)
        .map(|_| flatland_random::uniform(&mut random))
        .collect();
    let labels: Vec<u8> = (0..20).map(|sample| sample % 10).collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, 10, 4, &device, DType::F64);
    let network = CnnConfig {
        channels: [3, 3],
        norm: Norm::Batch,
        ..CnnConfig::default()
    };
    let mut initializer = Initializer::new(1, &device, DType::F64);
    let network = network.init(SHAPE, 10, &mut initializer);
    let point = flatten(&network);
    (FullBatch::new(network, Loss::Mse, chunks), point)
}

fn running(objective: &FullBatch) -> Vec<f64> {
    let tensors = objective.running_statistics().unwrap().tensors();
    tensors
        .flat_map(|(_, tensor)| to_vec(tensor.clone()))
        .collect()
}

#[test]
fn nothing_changes_while_the_flag_is_down() {
    let (mut plain, point) = objective();
    let (mut watched, _) = objective();
    let flag = AtomicBool::new(false);
    for threads in [1, 2] {
        let mut plain = plain.clone().with_threads(threads);
        let mut watched = watched.clone().with_threads(threads);
        let mut watched = watched.interruptible(&flag);
        assert_eq!(watched.loss(&point), plain.loss(&point));
        assert_eq!(watched.evaluate(&point, None), plain.evaluate(&point, None));
        let products = [
            watched.hvp(&point, &point),
            plain.hvp(&point, &point),
            watched.products_at(&point)(&point),
            plain.products_at(&point)(&point),
        ];
        let [first, others @ ..] = products.map(to_vec);
        assert!(others.iter().all(|other| *other == first));
        let small = [
            watched.small_activations(&point, 0.1),
            plain.small_activations(&point, 0.1),
        ];
        assert_eq!(small[0], small[1]);
        assert!(!watched.is_interrupted());
    }
    let [(a, a_gradient), (b, b_gradient)] = [
        watched.interruptible(&flag).loss_and_gradient(&point),
        plain.loss_and_gradient(&point),
    ];
    assert_eq!((a, to_vec(a_gradient)), (b, to_vec(b_gradient)));
    watched.commit_step();
    plain.commit_step();
    assert_eq!(running(&watched), running(&plain), "what normalization saw");
}

#[test]
fn no_number_comes_from_an_objective_that_was_given_up() {
    let (mut objective, point) = objective();
    let before = running(&objective);
    let flag = AtomicBool::new(false);
    let is_nothing = |vector: Tensor<1>| to_vec(vector).iter().all(|entry| entry.is_nan());
    let mut interrupted = objective.interruptible(&flag);
    let mut products = interrupted.products_at(&point);
    assert!(!is_nothing(products(&point)));
    flag.store(true, Ordering::Relaxed);
    assert!(
        is_nothing(products(&point)),
        "in the middle of a measurement"
    );
    drop(products);
    assert!(is_nothing(interrupted.products_at(&point)(&point)));
    assert!(is_nothing(interrupted.hvp(&point, &point)));
    assert!(interrupted.loss(&point).is_nan());
    let (loss, gradient) = interrupted.loss_and_gradient(&point);
    assert!(loss.is_nan() && is_nothing(gradient));
    let Evaluation { loss, accuracy } = interrupted.evaluate(&point, None);
    assert!(loss.is_nan() && accuracy.is_nan());
    assert!(interrupted.small_activations(&point, 0.1).is_empty());
    objective.commit_step();
    assert_eq!(running(&objective), before, "normalization saw nothing");
}

/// A search ends on such numbers by itself, wherever the flag is raised.
#[test]
fn a_search_ends_at_once() {
    /// Raises the flag at one of its evaluations.
    struct Raising<'a> {
        objective: &'a mut FullBatch,
        flag: &'a AtomicBool,
        left: u32,
        asked_after: u32,
    }

    impl Raising<'_> {
        fn count(&mut self) {
            match self.left {
                0 => self.asked_after += 1,
                1 => self.flag.store(true, Ordering::Relaxed),
                _ => {}
            }
            self.left = self.left.saturating_sub(1);
        }
    }

    impl Objective for Raising<'_> {
        fn dimension(&self) -> usize {
            self.objective.dimension()
        }

        fn loss(&mut self, point: &Tensor<1>) -> f64 {
            self.count();
            self.objective.interruptible(self.flag).loss(point)
        }

        fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
            self.count();
            self.objective
                .interruptible(self.flag)
                .loss_and_gradient(point)
        }
    }

    for left in 1..5 {
        let (mut objective, point) = objective();
        let flag = AtomicBool::new(false);
        let mut raising = Raising {
            objective: &mut objective,
            flag: &flag,
            left,
            asked_after: 0,
        };
        let config = LineSearchConfig {
            first_step_size: 1e3, // too large: it backtracks
            ..LineSearchConfig::ls()
        };
        config.init().unwrap().step(&mut raising, point);
        assert!(
            flag.load(Ordering::Relaxed),
            "the search took {left} evaluations"
        );
        // What is left of a search from 1000 down to its least step size, a millionth, by halves.
        assert!(raising.asked_after <= 30, "{}", raising.asked_after);
    }
}

#[test]
fn a_run_goes_on_with_the_masks_and_statistics_that_it_had() {
    let (mut first, point) = objective();
    first.loss_and_gradient(&point);
    first.commit_step();
    first.loss_and_gradient(&(point.clone() * 1.1));
    first.commit_step();
    let (mut second, _) = objective();
    let saved: Vec<(String, Tensor<1>)> = (first.running_statistics().unwrap().tensors())
        .map(|(name, tensor)| (name, tensor.clone()))
        .collect();
    let find = |name: &str| {
        let found = saved.iter().find(|(other, _)| other == name);
        found.map(|(_, tensor)| tensor.clone())
    };
    let own = second.running_statistics().unwrap().clone();
    assert_eq!(own.clone().with_tensors(|_| None).unwrap_err(), saved[0].0);
    let longer = Tensor::from_data(TensorData::from([0.0f64; 9]), (&Device::flex(), DType::F64));
    assert_eq!(
        own.clone()
            .with_tensors(|_| Some(longer.clone()))
            .unwrap_err(),
        saved[0].0
    );
    second.resume_after(first.steps(), own.with_tensors(find).unwrap());
    assert_eq!(second.steps(), 2);
    assert_eq!(running(&second), running(&first));
    for objective in [&mut first, &mut second] {
        objective.loss_and_gradient(&point);
        objective.commit_step();
    }
    assert_eq!(running(&second), running(&first));
}
