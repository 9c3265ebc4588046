//! Misfits are named, and damaged files are errors.

use burn::tensor::DType;
use flatland_models::{
    InputShape, MlpConfig, Nonlinearity, ShapeMismatch, WeightsError, save_weights,
};
use flatland_optim::module::flatten;
use safetensors::tensor::Dtype;
use tempfile::TempDir;

use super::common::fixture;
use super::{batch_norm_net, initializer, load, mlp, named, running, write_ones};

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

/// An archive whose entries say that they unpack to 4 GB each.
#[test]
fn an_archive_that_unpacks_to_far_more_than_it_is_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bomb.pt");
    let mut bytes = std::fs::read(fixture("mlp.pt")).unwrap();
    assert!(load(&fixture("mlp.pt"), &mlp(2)).is_ok());
    let entry = b"PK\x01\x02"; // of the directory at the end; the size is 24 bytes on
    let places: Vec<usize> = (0..bytes.len() - 4)
        .filter(|&place| bytes[place..].starts_with(entry))
        .collect();
    assert!(places.len() > 4);
    for place in places {
        bytes[place + 24..][..4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let error = load(&path, &mlp(2)).unwrap_err().to_string();
    assert!(error.contains("256000000 are the most"), "{error}");
}

/// The oldest format of torch.save. An entry of a tar archive may have holes, and be larger than any memory.
#[test]
fn a_tar_archive_is_refused_before_it_is_read() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.pt");
    let mut header = [0; 512];
    header[..8].copy_from_slice(b"storages");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"77777777777\0"); // 8 GiB - 1
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum::<u32>() + 8 * u32::from(b' ');
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    std::fs::write(&path, header).unwrap();
    let error = load(&path, &mlp(2)).unwrap_err().to_string();
    assert!(error.contains("a tar archive"), "{error}");
    assert!(error.contains("save it anew"), "{error}");
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
