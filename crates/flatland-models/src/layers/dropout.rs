//! Dropout.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use crate::signal::Signal;
use crate::{Dual, ForwardPass};

/// Sets a random share of the entries to zero and divides the others by the remaining share.
///
/// The layer is active only in a pass with [masks](ForwardPass::dropping). In any other pass, as on a test set, it is
/// the identity.
///
/// # References
///
/// - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: A Simple Way to Prevent Neural
///   Networks from Overfitting*, JMLR 15, 2014.
#[derive(Module, Debug)]
pub struct Dropout {
    #[module(skip)]
    rate: f64,
}

impl Dropout {
    /// Dropout of the share `rate` of the entries.
    ///
    /// # Panics
    ///
    /// Panics if `rate` is not in `[0, 1)`.
    pub fn new(rate: f64) -> Self {
        assert!((0.0..1.0).contains(&rate), "a rate in [0, 1), not {rate}");
        Self { rate }
    }

    /// Whether the rate is not zero.
    pub(crate) fn drops(&self) -> bool {
        self.rate > 0.0
    }

    pub(crate) fn forward(&self, pass: &ForwardPass<'_>, input: Signal) -> Signal {
        match input {
            Signal::Features(features) => self.apply(pass, features).into(),
            Signal::Tokens(tokens) => self.apply(pass, tokens).into(),
            Signal::Image(image) => self.apply(pass, image).into(),
        }
    }

    fn apply<const D: usize>(&self, pass: &ForwardPass<'_>, input: Dual<D>) -> Dual<D> {
        match self.factors(pass, &input.value) {
            Some(factors) => input.map_linear(|x| x * factors.clone()),
            None => input,
        }
    }

    /// The factor of each entry of `input`. `None` if the pass drops nothing.
    pub(crate) fn factors<const D: usize>(
        &self,
        pass: &ForwardPass<'_>,
        input: &Tensor<D>,
    ) -> Option<Tensor<D>> {
        let mut stream = pass.next_mask().filter(|_| self.drops())?;
        let kept = 1.0 / (1.0 - self.rate);
        let shape = input.shape();
        let factors = (0..shape.num_elements())
            .map(|_| {
                let uniform = 0.5 * (flatland_random::uniform(&mut stream) + 1.0); // in [0, 1)
                if uniform < self.rate { 0.0 } else { kept }
            })
            .collect();
        let data = TensorData::new::<f64, _>(factors, shape);
        Some(Tensor::from_data(data, (&input.device(), input.dtype())))
    }
}
