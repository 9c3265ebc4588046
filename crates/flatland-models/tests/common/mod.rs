//! Reading the PyTorch reference cases.
#![allow(dead_code)] // every test binary uses its own part

pub mod replay;

use std::path::PathBuf;

use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_models::{
    Batch, FullBatch, Initializer, InputShape, Loss, MlpConfig, Nonlinearity, Sequence,
};
use safetensors::SafeTensors;

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

pub fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(fixture(name)).unwrap()).unwrap()
}

/// A safetensors fixture of doubles.
pub struct Tensors(Vec<u8>);

impl Tensors {
    pub fn open(name: &str) -> Self {
        Self(std::fs::read(fixture(name)).unwrap())
    }

    /// The shape and the entries of one tensor, or nothing if the file does not hold it.
    pub fn get(&self, name: &str) -> Option<(Vec<usize>, Vec<f64>)> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).ok()?;
        let words = tensor.data().chunks_exact(8);
        let entries = words
            .map(|word| f64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        Some((tensor.shape().to_vec(), entries))
    }

    pub fn entries(&self, name: &str) -> Vec<f64> {
        self.get(name)
            .unwrap_or_else(|| panic!("no tensor {name}"))
            .1
    }

    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, entries) = self.get(name).unwrap_or_else(|| panic!("no tensor {name}"));
        Tensor::from_data(
            TensorData::new(entries, shape),
            (&Device::flex(), DType::F64),
        )
    }
}

/// The tanh MLP on 500 digits, its loss in chunks of `chunk`, and its initial weights.
pub fn digits(dtype: DType, loss: Loss, chunk: usize) -> (Sequence, FullBatch, Tensor<1>) {
    let device = Device::flex();
    let case = Tensors::open("mlp_tanh.safetensors");
    let shape = InputShape {
        channels: 1,
        height: 8,
        width: 8,
    };
    let network = MlpConfig {
        widths: vec![32, 32],
        activation: Nonlinearity::Tanh,
        bias: true,
    }
    .init(shape, 10, &mut Initializer::new(0, &device, dtype));
    let labels: Vec<u8> = (case.entries("y").chunks(10))
        .map(|row| row.iter().position(|&y| y == 1.0).unwrap() as u8)
        .collect();
    let chunks = Batch::chunks(
        &case.entries("x"),
        shape,
        &labels,
        10,
        chunk,
        &device,
        dtype,
    );
    let objective = FullBatch::new(network.clone(), loss, chunks);
    let point = Tensor::from_data(
        TensorData::new(case.entries("w0"), [objective.layout().dimension()]),
        (&device, dtype),
    );
    (network, objective, point)
}

pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// `‖left − right‖ / ‖right‖`
pub fn relative_error(left: &[f64], right: &[f64]) -> f64 {
    assert_eq!(left.len(), right.len());
    let norm = |entries: &mut dyn Iterator<Item = f64>| entries.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut left.iter().zip(right).map(|(a, b)| a - b));
    difference / norm(&mut right.iter().copied())
}
