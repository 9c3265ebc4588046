//! Files of weights, as safetensors or of `torch.save`.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use burn::tensor::{DType, Device};
use flatland_models::{Initializer, InputShape, MlpConfig, Nonlinearity, Sequence, load_weights};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

/// The network of the fixtures.
fn network(device: &Device) -> Sequence {
    let shape = InputShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    MlpConfig {
        widths: vec![3],
        activation: Nonlinearity::Tanh,
        bias: true,
    }
    .init(shape, 2, &mut Initializer::new(0, device, DType::F32))
}

thread_local! {
    /// Made once: burn keeps some kilobytes of every network for good, however large it is.
    static NETWORK: (Sequence, Device) = (network(&Device::flex()), Device::flex());
}

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("weights");
    fs::write(&path, bytes).expect("a folder to write in");
    NETWORK.with(|(network, device)| {
        let _ = load_weights(&path, network, device, DType::F32);
    });
});
