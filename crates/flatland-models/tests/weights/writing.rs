//! Written files are read by this crate and by PyTorch.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::tensor::{DType, Device};
use flatland_models::{Layout, LoadedWeights, RunningStatistics, load_weights, save_weights};
use flatland_optim::module::flatten;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use tempfile::TempDir;
use zip::ZipArchive;

use super::common::{fixture, to_vec};
use super::{batch_norm_net, running};

#[test]
fn weights_come_back_from_a_file_as_they_were() {
    let folder = TempDir::new().unwrap();
    let device = Device::flex();
    for name in ["weights.safetensors", "weights.pt"] {
        let path = folder.path().join(name);
        for dtype in [DType::F32, DType::F64] {
            let network = batch_norm_net(dtype);
            let point = flatten(&network) * 1.25;
            let moved = load_weights(&fixture("batch_norm.pt"), &network, &device, dtype);
            let moved = moved.unwrap().running;
            assert_ne!(running(&moved), running(&RunningStatistics::of(&network)));

            save_weights(&path, &network, &point, Some(&moved)).unwrap();
            let loaded = load_weights(&path, &network, &device, dtype).unwrap();
            assert_eq!(to_vec(loaded.point), to_vec(point.clone()));
            assert_eq!(running(&loaded.running), running(&moved));
            assert_eq!((loaded.unused, loaded.absent), (vec![], vec![]));

            save_weights(&path, &network, &point, None).unwrap();
            let loaded = load_weights(&path, &network, &device, dtype).unwrap();
            assert_eq!(
                running(&loaded.running),
                running(&RunningStatistics::of(&network))
            );
        }
    }
}

/// Names, shapes and order are those of PyTorch's state dict, and nothing else is in the file.
#[test]
fn a_written_file_holds_pytorchs_names() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    let network = batch_norm_net(DType::F32);
    let point = flatten(&network);
    save_weights(&path, &network, &point, None).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort();
    assert_eq!(
        names,
        [
            "0.weight",
            "1.bias",
            "1.running_mean",
            "1.running_var",
            "1.weight",
            "4.bias",
            "4.weight"
        ]
    );
    for slot in Layout::of(&network).slots() {
        let tensor = file.tensor(&slot.name).unwrap();
        assert_eq!(tensor.shape(), slot.shape);
        assert_eq!(tensor.dtype(), Dtype::F32);
    }
}

/// `make_weights.py check` has read `written.pt` with `torch.load`, into a network that takes all names and shapes or
/// none. What is written now has the same parts in the same order, byte for byte.
#[test]
fn a_written_pt_file_is_the_one_that_torch_has_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("written.pt");
    let network = batch_norm_net(DType::F32);
    let device = Device::flex();
    let LoadedWeights { point, running, .. } =
        load_weights(&fixture("batch_norm.pt"), &network, &device, DType::F32).unwrap();
    save_weights(&path, &network, &point, Some(&running)).unwrap();
    let parts = |path: &Path| -> Vec<(String, Vec<u8>)> {
        let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
        (0..archive.len())
            .map(|index| {
                let mut part = archive.by_index(index).unwrap();
                let mut bytes = Vec::new();
                part.read_to_end(&mut bytes).unwrap();
                (part.name().unwrap().to_string(), bytes)
            })
            .collect()
    };
    assert_eq!(parts(&path), parts(&fixture("written.pt")));
}
