//! The norm of the gradient, parameter tensor by parameter tensor.

use burn::tensor::Tensor;

use crate::Layout;

/// The norms of the parts of a gradient that belong to the parameter tensors.
///
/// On a flat saddle, gradient descent moves the last bias alone. Every other parameter tensor, the last weight
/// included, counts as *hidden*.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientNorms {
    /// The Euclidean norm of each parameter tensor's gradient, in the order of the layout.
    pub tensors: Vec<f64>,
    /// The index of the last bias in `tensors`. `None` if the last parameter is no bias.
    pub last_bias: Option<usize>,
    /// The share of entries that are exactly zero.
    pub zero_share: f64,
}

/// The mean and the extremes of some norms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormSummary {
    /// The arithmetic mean.
    pub mean: f64,
    /// The smallest norm.
    pub min: f64,
    /// The largest norm.
    pub max: f64,
}

impl GradientNorms {
    /// The norms of a flat gradient. Reads it from the device once and adds squares in `f64`.
    ///
    /// # Shapes
    ///
    /// - gradient: `[dimension]`
    ///
    /// # Panics
    ///
    /// Panics if the length of the gradient is not the layout's dimension, or if the layout has no parameters.
    pub fn of(layout: &Layout, gradient: &Tensor<1>) -> Self {
        let entries: Vec<f64> = gradient.clone().into_data().iter().collect();
        assert_eq!(
            entries.len(),
            layout.dimension(),
            "a gradient has an entry for each parameter"
        );
        let norm = |entries: &[f64]| entries.iter().map(|x| x * x).sum::<f64>().sqrt();
        let slots = layout.slots();
        let last = slots.last().expect("a network with parameters");
        let is_bias = last.shape.len() == 1 && last.name.rsplit('.').next() == Some("bias");
        let zeros = entries.iter().filter(|entry| **entry == 0.0).count();
        Self {
            tensors: (slots.iter())
                .map(|slot| norm(&entries[slot.range.clone()]))
                .collect(),
            last_bias: is_bias.then(|| slots.len() - 1),
            zero_share: zeros as f64 / entries.len() as f64,
        }
    }

    /// The norm of the last bias. `None` if the last parameter is no bias.
    pub fn last_bias(&self) -> Option<f64> {
        self.last_bias.map(|place| self.tensors[place])
    }

    /// The summary of the hidden norms. `None` if the network has no parameter but its last bias.
    pub fn hidden(&self) -> Option<NormSummary> {
        let places = (0..self.tensors.len()).filter(|place| Some(*place) != self.last_bias);
        let norms: Vec<f64> = places.map(|place| self.tensors[place]).collect();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        Some(NormSummary {
            mean,
            min: norms.iter().copied().reduce(f64::min)?,
            max: norms.iter().copied().reduce(f64::max)?,
        })
    }
}
