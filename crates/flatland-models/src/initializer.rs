//! Initial weights. They are drawn on the host, so every device starts from the same bits.

use burn::module::{ModuleMapper, Param, ParamId};
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_random::Stream;

/// The distribution of the initial weights and biases of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initialization {
    /// PyTorch's default for linear and convolutional layers: both from `U(−1/√fan_in, 1/√fan_in)`.
    Pytorch,
    /// Weights as [`Pytorch`](Self::Pytorch), biases 0.
    PytorchZeroBias,
    /// Weights from `N(0, 2/fan)`, biases 0 (He et al., ICCV 2015).
    KaimingNormal(Fan),
    /// Weights from a normal distribution with this standard deviation, biases 0.
    Normal(f64),
}

/// The number of connections in the scale of an initialization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fan {
    /// The connections into an output.
    In,
    /// The connections out of an input.
    Out,
}

/// Draws initial parameters in `f64` from the counter-based streams `(seed, "initial weights", index of the tensor)`,
/// rounds them once to the float type and uploads them.
#[derive(Debug)]
pub struct Initializer {
    device: Device,
    dtype: DType,
    /// `None` for parameters without values.
    seed: Option<u64>,
    tensors: u64,
}

impl Initializer {
    /// An initializer of trainable parameters of type `dtype` on `device`.
    pub fn new(seed: u64, device: &Device, dtype: DType) -> Self {
        Self {
            device: device.clone().autodiff(),
            dtype,
            seed: Some(seed),
            tensors: 0,
        }
    }

    /// An initializer of parameters with a shape and without values, which take no memory and read as NaN. A network
    /// with such parameters has a layout and a footprint, and can be evaluated [at a point](crate::ForwardPass::plain).
    pub fn without_values(device: &Device, dtype: DType) -> Self {
        Self {
            seed: None,
            ..Self::new(0, device, dtype)
        }
    }

    /// The weight of a layer, `[out, in, …]` with the axes of a kernel last, and its bias, `[out]`, if it has one.
    pub(crate) fn layer<const D: usize>(
        &mut self,
        shape: [usize; D],
        has_bias: bool,
        initialization: Initialization,
    ) -> (Param<Tensor<D>>, Option<Param<Tensor<1>>>) {
        let outputs = shape[0];
        let kernel: usize = shape[2..].iter().product();
        let fan_in = (shape[1] * kernel) as f64;
        let bound = 1.0 / fan_in.sqrt();
        let weight = match initialization {
            Initialization::Pytorch | Initialization::PytorchZeroBias => self.uniform(shape, bound),
            Initialization::KaimingNormal(Fan::In) => self.normal(shape, (2.0 / fan_in).sqrt()),
            Initialization::KaimingNormal(Fan::Out) => {
                self.normal(shape, (2.0 / (outputs * kernel) as f64).sqrt())
            }
            Initialization::Normal(standard_deviation) => self.normal(shape, standard_deviation),
        };
        let bias = has_bias.then(|| match initialization {
            Initialization::Pytorch => self.uniform([outputs], bound),
            _ => self.constant([outputs], 0.0),
        });
        (weight, bias)
    }

    /// A parameter with independent entries from the uniform distribution on `[-bound, bound)`.
    pub fn uniform<const D: usize>(&mut self, shape: [usize; D], bound: f64) -> Param<Tensor<D>> {
        self.draw(shape, |stream| bound * flatland_random::uniform(stream))
    }

    /// A parameter with independent entries from the normal distribution with mean 0.
    pub fn normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        standard_deviation: f64,
    ) -> Param<Tensor<D>> {
        self.draw(shape, |stream| {
            standard_deviation * flatland_random::normal(stream)
        })
    }

    /// A parameter whose entries are all `value`.
    pub fn constant<const D: usize>(&mut self, shape: [usize; D], value: f64) -> Param<Tensor<D>> {
        self.draw(shape, |_| value)
    }

    /// A tensor whose entries are all `value` and that is not trainable.
    pub fn buffer<const D: usize>(&self, shape: [usize; D], value: f64) -> Param<Tensor<D>> {
        let value = Tensor::full(shape, value, (&self.device, self.dtype));
        Param::initialized(ParamId::new(), value)
    }

    fn draw<const D: usize>(
        &mut self,
        shape: [usize; D],
        entry: impl Fn(&mut Stream) -> f64,
    ) -> Param<Tensor<D>> {
        let Some(seed) = self.seed else {
            return Param::from_tensor(without_values(shape, &self.device, self.dtype));
        };
        let mut stream = flatland_random::stream(seed, "initial weights", self.tensors);
        self.tensors += 1;
        let count = shape.iter().product::<usize>();
        let entries = (0..count).map(|_| entry(&mut stream)).collect();
        let data = TensorData::new::<f64, _>(entries, shape);
        Param::from_tensor(Tensor::from_data(data, (&self.device, self.dtype)))
    }
}

/// A tensor of this shape that holds a single number, NaN, in memory.
fn without_values<const D: usize>(shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
    Tensor::<D>::full([1; D], f64::NAN, (device, dtype)).expand(shape)
}

/// Replaces all trainable parameters of a network by parameters without values.
pub(crate) struct Emptier;

impl ModuleMapper for Emptier {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        param.map(|old| without_values(old.dims(), &old.device(), old.dtype()).require_grad())
    }
}
