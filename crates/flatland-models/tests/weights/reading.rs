//! Files of PyTorch and of safetensors are read.

use burn::tensor::DType;
use flatland_models::{Loss, RunningStatistics, Sequence, WeightsError, save_weights};
use safetensors::tensor::Dtype;
use tempfile::TempDir;

use super::common::{digits, fixture, to_vec};
use super::{batch_norm_net, formula, load, mlp, named, running, write_ones};

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
