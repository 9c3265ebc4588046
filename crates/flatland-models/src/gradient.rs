//! How large the gradient is, parameter by parameter.

use burn::tensor::Tensor;

use crate::Layout;

/// The norm of each parameter's part of a gradient.
///
/// The last bias is what gradient descent still moves on a flat saddle, so it stands apart; everything else, the last
/// weight included, counts as *hidden*.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientNorms {
    /// The Euclidean norm of each parameter tensor's gradient, in the order of the layout.
    pub tensors: Vec<f64>,
    /// The place among them of the last bias, if the network ends with one.
    pub last_bias: Option<usize>,
    /// The share of the entries that are exactly zero.
    pub zero_share: f64,
}

/// The mean and the extremes of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The arithmetic mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl GradientNorms {
    /// Takes the norms of a flat gradient. It is read from the device once; squares are added in `f64`.
    ///
    /// # Shapes
    ///
    /// - gradient: `[dimension]`
    ///
    /// # Panics
    ///
    /// Where the gradient has another length than the layout, or the layout no parameters.
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

    /// The norm at the last bias.
    pub fn last_bias(&self) -> Option<f64> {
        self.last_bias.map(|place| self.tensors[place])
    }

    /// The spread of the hidden norms; nothing if the network has no parameter but its last bias.
    pub fn hidden(&self) -> Option<Spread> {
        let places = (0..self.tensors.len()).filter(|place| Some(*place) != self.last_bias);
        let norms: Vec<f64> = places.map(|place| self.tensors[place]).collect();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        Some(Spread {
            mean,
            min: norms.iter().copied().reduce(f64::min)?,
            max: norms.iter().copied().reduce(f64::max)?,
        })
    }
}
