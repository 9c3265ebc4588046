//! Weight files: both formats, PyTorch's own files, and files that do not fit or are damaged.

mod common;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor};
use common::{digits, fixture, to_vec};
use flatland_models::{
    Activation, BatchNorm2dConfig, Conv2dConfig, Flatten, Initializer, InputShape, Layout,
    LinearConfig, LoadedWeights, Loss, MlpConfig, Nonlinearity, RunningStatistics, Sequence,
    ShapeMismatch, WeightsError, load_weights, save_weights,
};
use flatland_optim::module::flatten;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use zip::ZipArchive;

fn initializer(dtype: DType) -> Initializer {
    Initializer::new(0, &Device::flex(), dtype)
}

/// The network of `mlp.pt`.
fn mlp(classes: usize) -> Sequence {
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
    .init(shape, classes, &mut initializer(DType::F64))
}

/// The network of `batch_norm.pt`.
fn batch_norm_net(dtype: DType) -> Sequence {
    let initializer = &mut initializer(dtype);
    Sequence::numbered([
        Conv2dConfig::new(1, 2, 3)
            .with_bias(false)
            .init(initializer)
            .into(),
        BatchNorm2dConfig::new(2).init(initializer).into(),
        Activation::new(Nonlinearity::Relu).into(),
        Flatten::default().into(),
        LinearConfig::new(8, 2).init(initializer).into(),
    ])
}

fn load(path: &Path, network: &Sequence) -> Result<LoadedWeights, WeightsError> {
    load_weights(path, network, &Device::flex(), DType::F64)
}

/// What `make_weights.py` puts into the `k`-th tensor of a state dict.
fn formula(k: usize, entries: usize) -> Vec<f64> {
    (0..entries)
        .map(|i| (1 + (7 * k + 3 * i) % 16) as f64 / 16.0)
        .collect()
}

/// The running statistics by name.
fn running(statistics: &RunningStatistics) -> HashMap<String, Vec<f64>> {
    (statistics.tensors())
        .map(|(name, tensor)| (name, to_vec(tensor.clone())))
        .collect()
}

fn named<'a>(entries: impl IntoIterator<Item = (&'a str, Vec<f64>)>) -> HashMap<String, Vec<f64>> {
    (entries.into_iter())
        .map(|(name, entries)| (name.to_owned(), entries))
        .collect()
}

/// Writes a safetensors file of tensors that all hold ones.
fn write_ones(path: &Path, tensors: &[(&str, &[usize], Dtype)]) {
    let bytes: Vec<Vec<u8>> = (tensors.iter())
        .map(|(_, shape, dtype)| {
            let one: &[u8] = match dtype {
                Dtype::F16 => &[0x00, 0x3c],
                Dtype::BF16 => &[0x80, 0x3f],
                Dtype::F32 => &[0, 0, 0x80, 0x3f],
                Dtype::F64 => &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
                Dtype::I64 => &[1, 0, 0, 0, 0, 0, 0, 0],
                other => panic!("no one for {other:?}"),
            };
            one.repeat(shape.iter().product())
        })
        .collect();
    let views = (tensors.iter().zip(&bytes)).map(|((name, shape, dtype), bytes)| {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).unwrap();
        (name.to_string(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

/// Every container and nesting that `torch.save` makes, in every precision.
#[test]
fn files_of_torch_are_read() {
    let network = mlp(2);
    let expected: Vec<f64> = ([12, 3, 6, 2].iter().enumerate())
        .flat_map(|(k, &entries)| formula(k, entries))
        .collect();
    for name in ["mlp.pt", "mlp_legacy.pt", "mlp_checkpoint.pt"] {
        let loaded = load(&fixture(name), &network).unwrap();
        assert_eq!(to_vec(loaded.point), expected, "{name}");
        assert!(loaded.unused.is_empty(), "{name}: {:?}", loaded.unused);
        assert!(loaded.absent.is_empty() && loaded.running.is_empty());
    }
}

#[test]
fn running_statistics_of_torch_are_read() {
    let network = batch_norm_net(DType::F64);
    let point = |scale: f64| -> Vec<f64> {
        [(0, 18), (1, 2), (2, 2), (5, 16), (6, 2)]
            .iter()
            .flat_map(|&(k, entries)| formula(k, entries))
            .map(|x| x * scale)
            .collect()
    };
    let statistics = named([
        ("1.running_mean", formula(3, 2)),
        ("1.running_var", formula(4, 2)),
    ]);
    for name in ["batch_norm.pt", "batch_norm_checkpoint_legacy.pt"] {
        let loaded = load(&fixture(name), &network).unwrap();
        assert_eq!(to_vec(loaded.point.clone()), point(1.0), "{name}");
        assert_eq!(running(&loaded.running), statistics, "{name}");
        assert!(loaded.absent.is_empty(), "{name}: {:?}", loaded.absent);
        let momentum = |name: &String| name.starts_with("optimizer.state.");
        assert!(
            loaded.unused.iter().all(momentum),
            "{name}: {:?}",
            loaded.unused
        );
        assert_eq!(loaded.unused.is_empty(), name == "batch_norm.pt");
        assert_eq!(loaded.remarks().is_empty(), name == "batch_norm.pt");

        // A network that starts from them has them, and so has the objective over it.
        let begun = loaded.running.write_into(network.clone());
        assert_eq!(running(&RunningStatistics::of(&begun)), statistics);
    }
}

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

#[test]
fn a_prefix_that_all_names_share_is_ignored() {
    let (network, _, point) = digits(DType::F64, Loss::Mse, 500);
    let path = fixture("mlp_tanh.safetensors");
    let loaded = load(&path, &network).unwrap();
    assert_eq!(to_vec(loaded.point), to_vec(point));
    assert_eq!(loaded.unused, ["w0", "x", "y"]);

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("prefixed.safetensors");
    let network = batch_norm_net(DType::F64);
    let begun = load(&fixture("batch_norm.pt"), &network).unwrap();
    let prefixed = Sequence::named(vec![("module", network.clone().into())]);
    save_weights(&path, &prefixed, &begun.point, Some(&begun.running)).unwrap();
    let loaded = load(&path, &network).unwrap();
    assert_eq!(to_vec(loaded.point), to_vec(begun.point));
    assert_eq!(running(&loaded.running), running(&begun.running));
    assert!(loaded.unused.is_empty());
}

/// Of several sets of weights the one in the usual place is the network's own; without such a place it is not guessed.
#[test]
fn several_sets_of_weights_are_told_apart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sets.safetensors");
    let shapes: [(&str, &[usize]); 4] = [
        ("1.weight", &[3, 4]),
        ("1.bias", &[3]),
        ("3.weight", &[2, 3]),
        ("3.bias", &[2]),
    ];
    let write = |prefixes: [&str; 2]| {
        let tensors: Vec<_> = (prefixes.iter())
            .flat_map(|prefix| shapes.map(|(name, shape)| (format!("{prefix}{name}"), shape)))
            .collect();
        let tensors: Vec<_> = (tensors.iter())
            .map(|(name, shape)| (name.as_str(), *shape, Dtype::F32))
            .collect();
        write_ones(&path, &tensors);
        load(&path, &mlp(2))
    };
    let loaded = write(["average.", "model."]).unwrap();
    assert_eq!(loaded.unused.len(), 4);
    assert!(loaded.unused[0].starts_with("average."));
    let error = write(["average.", "teacher."]).unwrap_err();
    assert!(
        matches!(&error, WeightsError::Ambiguous { prefixes, .. } if *prefixes == ["average.", "teacher."]),
        "{error}"
    );
}

#[test]
fn every_precision_is_read_and_integers_are_not() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    let write = |dtype| {
        write_ones(
            &path,
            &[
                ("1.weight", &[3, 4], Dtype::F32),
                ("1.bias", &[3], dtype),
                ("3.weight", &[2, 3], Dtype::F64),
                ("3.bias", &[2], Dtype::F32),
            ],
        );
        load(&path, &mlp(2))
    };
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
        assert_eq!(to_vec(write(dtype).unwrap().point), [1.0; 23], "{dtype:?}");
    }
    let error = write(Dtype::I64).unwrap_err();
    assert!(
        matches!(&error, WeightsError::NotFloat { name, dtype: DType::I64, .. } if name == "1.bias"),
        "{error}"
    );
}

#[test]
fn running_statistics_that_are_not_there_or_do_not_fit_are_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    let parameters: [(&str, &[usize], Dtype); 5] = [
        ("0.weight", &[2, 1, 3, 3], Dtype::F32),
        ("1.weight", &[2], Dtype::F32),
        ("1.bias", &[2], Dtype::F32),
        ("4.weight", &[2, 8], Dtype::F32),
        ("4.bias", &[2], Dtype::F32),
    ];
    let network = batch_norm_net(DType::F64);
    write_ones(&path, &parameters);
    let loaded = load(&path, &network).unwrap();
    assert_eq!(loaded.absent, ["1.running_mean", "1.running_var"]);
    let fresh = named([
        ("1.running_mean", vec![0.0; 2]),
        ("1.running_var", vec![1.0; 2]),
    ]);
    assert_eq!(running(&loaded.running), fresh);
    assert!(loaded.remarks()[0].contains("no 1.running_mean, 1.running_var"));

    let mut wrong = parameters.to_vec();
    wrong.push(("1.running_mean", &[3], Dtype::F32));
    wrong[4].1 = &[5];
    write_ones(&path, &wrong);
    let WeightsError::Misfit {
        missing,
        mismatched,
        ..
    } = load(&path, &network).unwrap_err()
    else {
        panic!("not a misfit");
    };
    let mismatch = |name: &str, expected: &[usize], found: &[usize]| ShapeMismatch {
        name: name.to_owned(),
        expected: expected.to_vec(),
        found: found.to_vec(),
    };
    assert!(missing.is_empty());
    assert_eq!(
        mismatched,
        [
            mismatch("4.bias", &[2], &[5]),
            mismatch("1.running_mean", &[2], &[3])
        ]
    );
}

#[test]
fn a_file_of_another_network_is_refused_by_name() {
    // Another number of classes: all tensors that differ, with both shapes.
    let error = load(&fixture("mlp.pt"), &mlp(10)).unwrap_err().to_string();
    for part in [
        "mlp.pt does not fit",
        "3.weight is [2, 3] in the file and [10, 3] in the network",
        "3.bias is [2] in the file and [10] in the network",
        "number of classes",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("1.weight"), "{error}");

    // Other layers: the names, but not hundreds of them.
    let deep = MlpConfig {
        widths: vec![3; 9],
        activation: Nonlinearity::Tanh,
        bias: true,
    };
    let shape = InputShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    let deep = deep.init(shape, 2, &mut initializer(DType::F64));
    let error = load(&fixture("mlp.pt"), &deep).unwrap_err();
    let WeightsError::Misfit {
        missing, present, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((missing.len(), missing[0].as_str()), (16, "5.weight"));
    assert_eq!(present.len(), 4);
    let error = error.to_string();
    assert!(error.contains("11.bias and 8 more"), "{error}");
    assert!(
        error.contains("it holds 1.bias, 1.weight, 3.bias, 3.weight;"),
        "{error}"
    );
}

#[test]
fn what_is_no_weight_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pt");
    std::fs::write(&empty, "").unwrap();
    for path in [
        fixture("README.md"),
        fixture("absent.safetensors"),
        folder.path().to_owned(),
        empty,
    ] {
        let error = load(&path, &mlp(2)).unwrap_err();
        assert!(matches!(error, WeightsError::Read { .. }), "{error}");
        assert!(error.to_string().contains("expected a safetensors file"));
    }
    let point = flatten(&mlp(2));
    let nowhere = folder.path().join("absent/weights.safetensors");
    let error = save_weights(&nowhere, &mlp(2), &point, None).unwrap_err();
    assert!(matches!(error, WeightsError::Write { .. }), "{error}");
}

/// A file cut short or with flipped bytes is an error or other numbers, never a panic or a hang.
#[test]
fn damaged_files_never_panic() {
    let folder = TempDir::new().unwrap();
    let safetensors = folder.path().join("whole.safetensors");
    let network = batch_norm_net(DType::F64);
    save_weights(&safetensors, &network, &flatten(&network), None).unwrap();
    let own = folder.path().join("whole.pt");
    save_weights(&own, &network, &flatten(&network), None).unwrap();
    let path = folder.path().join("damaged");
    for whole in [
        safetensors,
        own,
        fixture("batch_norm.pt"),
        fixture("batch_norm_checkpoint_legacy.pt"),
    ] {
        let bytes = std::fs::read(&whole).unwrap();
        let try_load = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            load(&path, &network)
        };
        assert!(try_load(&bytes).is_ok());
        for cut in (0..bytes.len()).step_by(23) {
            let result = try_load(&bytes[..cut]);
            assert!(result.is_err(), "{} cut at {cut}", whole.display());
        }
        let mut refused = 0;
        for place in (0..bytes.len()).step_by(17) {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] ^= flip;
                match try_load(&damaged) {
                    Ok(loaded) => assert_eq!(loaded.point.dims(), [40]),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 50, "{}: {refused}", whole.display());
    }
}

/// Names, shapes and order are those of PyTorch's state dict, and nothing else is in the file.
#[test]
fn a_written_file_holds_pytorchs_names() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    let network = batch_norm_net(DType::F32);
    let point: Tensor<1> = flatten(&network);
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
