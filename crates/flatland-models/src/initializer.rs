//! Initial weights, drawn on the host so that every device starts from the same bits.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

/// Draws initial parameters from the counter-based streams `(seed, "initial weights", index of the tensor)` in `f64`,
/// rounds them once to the float type and uploads them.
#[derive(Debug)]
pub struct Initializer {
    device: Device,
    dtype: DType,
    seed: u64,
    tensors: u64,
}

impl Initializer {
    /// Parameters of type `dtype` on `device`, ready to be trained.
    pub fn new(seed: u64, device: &Device, dtype: DType) -> Self {
        Self {
            device: device.clone().autodiff(),
            dtype,
            seed,
            tensors: 0,
        }
    }

    /// A parameter with independent entries of the uniform distribution on `[-bound, bound)`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        let mut stream = flatland_random::stream(self.seed, "initial weights", self.tensors);
        self.tensors += 1;
        let entries = (0..shape.iter().product::<usize>())
            .map(|_| bound * flatland_random::uniform(&mut stream))
            .collect();
        let data = TensorData::new::<f64, _>(entries, shape);
        Param::from_tensor(Tensor::from_data(data, (&self.device, self.dtype)))
    }
}
