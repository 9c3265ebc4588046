//! Loads weights with PyTorch's names, from a safetensors file or a file of `torch.save`.
//!
//! ```sh
//! cargo run --release -p flatland-models --example weights_from_pytorch                # writes a file and loads it
//! cargo run --release -p flatland-models --example weights_from_pytorch -- FILE resnet34
//! ```

use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor};
use flatland_models::{
    Architecture, ForwardPass, Initializer, InputShape, Layout, Sequence, load_weights,
    save_weights,
};
use flatland_optim::module::flatten;

const SHAPE: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const CLASSES: usize = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(PathBuf::from);
    let architecture = Architecture::named(&arguments.next().unwrap_or("mlp".to_owned()))?;
    let device = Device::flex();
    let network = |seed| {
        let mut initializer = Initializer::new(seed, &device, DType::F32);
        architecture.init(SHAPE, CLASSES, &mut initializer)
    };

    let folder = tempfile::tempdir()?;
    let written = network(1)?;
    let path = match file {
        Some(file) => file,
        None => {
            let path = folder.path().join("weights.pt");
            save_weights(&path, &written, &flatten(&written), None)?;
            path
        }
    };

    // Another network of the same architecture. Its own initial weights are replaced.
    let network = network(2)?;
    let loaded = load_weights(&path, &network, &device, DType::F32)?;
    for remark in loaded.remarks() {
        println!("{remark}");
    }
    let layout = Layout::of(&network);
    for slot in layout.slots().iter().take(6) {
        println!("{:12} {:?}", slot.name, slot.shape);
    }
    let images = Tensor::ones([1, 3, 32, 32], &device);
    let logits = logits(&network, &layout, &loaded.point, images.clone());
    println!("logits {logits:.4?}");

    if path.starts_with(folder.path()) {
        assert_eq!(
            logits,
            self::logits(&written, &Layout::of(&written), &flatten(&written), images)
        );
    }
    Ok(())
}

/// The logits at a point of the network's parameters.
fn logits(network: &Sequence, layout: &Layout, point: &Tensor<1>, images: Tensor<4>) -> Vec<f32> {
    let pass = ForwardPass::plain(layout, point);
    network
        .logits(&pass, images)
        .value
        .into_data()
        .iter()
        .collect()
}
