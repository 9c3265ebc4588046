//! Sizes, names and initial weights of the networks.

mod common;

use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Tensor};
use common::{Tensors, digits, relative_error, to_vec};
use flatland_models::{Architecture, Footprint, Initializer, InputShape, Layout, Loss, Sequence};
use flatland_optim::module::flatten;

const CIFAR: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const EMNIST: InputShape = InputShape {
    channels: 1,
    height: 28,
    width: 28,
};

fn network(name: &str, input: InputShape, classes: usize, dtype: DType) -> Sequence {
    let mut initializer = Initializer::new(42, &Device::flex(), dtype);
    Architecture::named(name)
        .unwrap()
        .init(input, classes, &mut initializer)
        .unwrap()
}

#[test]
fn parameter_counts_are_the_papers() {
    for (name, input, classes, count) in [
        ("mlp", CIFAR, 10, 318_410),
        ("mlp", CIFAR, 100, 327_500),
        ("mlp", EMNIST, 26, 91_226),
        ("cnn", CIFAR, 10, 30_634),
        ("cnn", CIFAR, 100, 215_044),
        ("cnn", EMNIST, 26, 50_362),
    ] {
        let network = network(name, input, classes, DType::F32);
        assert_eq!(network.num_params(), count, "{name} {classes}");
        assert_eq!(Layout::of(&network).dimension(), count, "{name} {classes}");
    }
}

#[test]
fn parameters_have_pytorchs_names() {
    let names = |name| -> Vec<String> {
        let layout = Layout::of(&network(name, CIFAR, 10, DType::F32));
        layout
            .slots()
            .iter()
            .map(|slot| slot.name.clone())
            .collect()
    };
    assert_eq!(
        names("mlp"),
        [
            "1.weight", "1.bias", "3.weight", "3.bias", "5.weight", "5.bias"
        ]
    );
    assert_eq!(
        names("cnn"),
        [
            "0.weight", "0.bias", "3.weight", "3.bias", "7.weight", "7.bias"
        ]
    );
}

/// PyTorch's default: uniform on `±1/√fan_in`, weights and biases alike, whatever the float type.
#[test]
fn initial_weights_fill_pytorchs_interval_and_start_every_device_from_the_same_bits() {
    let single = network("cnn", CIFAR, 10, DType::F32);
    let layout = Layout::of(&single);
    let (single, double) = (
        to_vec(flatten(&single)),
        to_vec(flatten(&network("cnn", CIFAR, 10, DType::F64))),
    );
    assert!(
        single
            .iter()
            .zip(&double)
            .all(|(s, d)| *s == f64::from(*d as f32))
    );
    for (slot, fan_in) in layout.slots().iter().zip([27, 27, 288, 288, 2048, 2048]) {
        let bound = 1.0 / f64::from(fan_in).sqrt();
        let entries = &double[slot.range.clone()];
        assert!(entries.iter().all(|x| x.abs() <= bound), "{}", slot.name);
        let largest = entries.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        assert!(largest > 0.8 * bound, "{}", slot.name);
        if entries.len() > 1000 {
            let variance = entries.iter().map(|x| x * x).sum::<f64>() / entries.len() as f64;
            assert!(
                (variance / (bound * bound / 3.0) - 1.0).abs() < 0.1,
                "{}",
                slot.name
            );
        }
    }
}

/// A network is a burn module like any other: burn's own optimizer trains it.
#[test]
fn burns_optimizer_trains_a_network() {
    let images = Tensors::open("mlp_tanh.safetensors")
        .tensor::<2>("x")
        .reshape([500, 1, 8, 8]);
    let targets = Tensors::open("mlp_tanh.safetensors").tensor::<2>("y");
    let (mut network, _, _) = digits(DType::F64, Loss::Mse, 500);
    let mut optimizer = SgdConfig::new().init();
    let mut losses = Vec::new();
    for _ in 0..20 {
        let loss = (network.forward(images.clone()) - targets.clone())
            .square()
            .mean();
        losses.push(loss.clone().into_scalar::<f64>());
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(1.0, network, gradients);
    }
    assert!(losses[19] < 0.7 * losses[0], "{losses:?}");
}

/// Without a tangent a network is its plain forward pass, taped or not.
#[test]
fn every_pass_yields_the_same_logits() {
    let (network, objective, _) = digits(DType::F64, Loss::Mse, 500);
    let layout = objective.layout();
    let point = flatten(&network);
    let images = Tensors::open("mlp_tanh.safetensors")
        .tensor::<2>("x")
        .reshape([500, 1, 8, 8]);
    let own = to_vec(network.forward(images.clone()).inner());
    for pass in [
        flatland_models::ForwardPass::plain(layout, &point),
        flatland_models::ForwardPass::taped(layout, &point),
        flatland_models::ForwardPass::plain(layout, &point).along(&point),
    ] {
        let logits: Tensor<2> = network.logits(&pass, images.clone()).value;
        assert!(relative_error(&to_vec(logits.without_autodiff()), &own) < 1e-15);
    }
}

#[test]
fn a_network_without_values_has_the_layout_of_one_with_values_and_reads_as_nan() {
    for name in ["mlp", "cnn", "resnet34"] {
        let full = network(name, CIFAR, 10, DType::F32);
        let empty = without_values(name);
        assert_eq!(Layout::of(&full).slots(), Layout::of(&empty).slots());
        let logits = to_vec(empty.forward(Tensor::ones([1, 3, 32, 32], &Device::flex())));
        assert!(
            logits.iter().all(|logit| logit.is_nan()),
            "{name}: {logits:?}"
        );
    }
}

fn without_values(name: &str) -> Sequence {
    let mut initializer = Initializer::without_values(&Device::flex(), DType::F32);
    let architecture = Architecture::named(name).unwrap();
    architecture.init(CIFAR, 10, &mut initializer).unwrap()
}

#[test]
fn the_footprint_counts_every_output_once() {
    let outputs = |name| Footprint::of(&without_values(name), CIFAR).outputs;
    assert_eq!(outputs("mlp"), 200 + 200 + 10);
    // Two convolutions, each followed by its activation and a pooling that halves height and width.
    let cnn = [2 * 32 * 32, 16 * 16, 2 * 16 * 16, 8 * 8];
    assert_eq!(outputs("cnn"), 32 * cnn.iter().sum::<usize>() + 10);
    // torchvision's: a 7×7 convolution with stride 2 and a pooling, then the blocks, the first of three stages with
    // a shortcut of its own.
    let stage = |channels: usize, size: usize, blocks: usize, shortcuts: usize| {
        channels * size * size * (5 * blocks + shortcuts)
    };
    let blocks =
        stage(64, 8, 3, 0) + stage(128, 4, 4, 1) + stage(256, 2, 6, 1) + stage(512, 1, 3, 1);
    assert_eq!(
        outputs("resnet34"),
        2 * 64 * 16 * 16 + 64 * 8 * 8 + blocks + 512 + 10
    );
}

/// The multiplications that torchvision states for its networks on 224×224 images with 1000 classes, in 10⁹.
#[test]
fn multiplications_are_torchvisions() {
    let large = InputShape {
        channels: 3,
        height: 224,
        width: 224,
    };
    for (name, expected) in [
        ("vgg11", 7.609),
        ("resnet34", 3.664),
        ("wide-resnet50-2", 11.398),
        ("densenet121", 2.834),
    ] {
        let mut initializer = Initializer::without_values(&Device::flex(), DType::F32);
        let network = (Architecture::named(name).unwrap()).init(large, 1000, &mut initializer);
        let found = Footprint::of(&network.unwrap(), large).multiplications as f64 / 1e9;
        assert!((found - expected).abs() < 0.0006, "{name}: {found}");
    }
    // 16 tokens; embedding, four blocks of (q, k, v), attention, projection and two linear layers, and the head.
    let vit = Footprint::of(&without_values("vit"), CIFAR).multiplications;
    let block = 16 * 256 * 1536 + 2 * 16 * 16 * 512 + 16 * 512 * 256 + 2 * 16 * 256 * 512;
    assert_eq!(vit, 16 * 192 * 256 + 4 * block + 256 * 10);
}
