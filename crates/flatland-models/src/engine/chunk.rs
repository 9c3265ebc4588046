//! All passes of one chunk of samples.

use burn::tensor::{Tensor, activation};

use super::Slots;
use super::flow::Flow;
use super::saved::Saved;
use super::slots::Purpose;
use crate::running::Observation;
use crate::{Batch, Dual, ForwardPass, Loss, Sequence};

/// A network with its loss and the number of samples over which the loss is averaged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model<'a> {
    pub(crate) network: &'a Sequence,
    pub(crate) loss: Loss,
    pub(crate) samples: usize,
}

/// The saved values of a chunk at a point, from which every Hessian-vector product at this point starts.
#[derive(Debug)]
pub(crate) struct Linearized {
    saved: Saved,
    /// The softmax of the logits, `[batch, classes]`. `None` unless the loss is the cross-entropy.
    softmax: Option<Tensor<2>>,
}

/// A recorded forward pass of a chunk.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The chunk's share of the loss, `[1]`.
    pub(crate) loss: Tensor<1>,
    /// `[batch, classes]`
    logits: Tensor<2>,
    saved: Saved,
    /// The batch statistics of the normalizations.
    observed: Vec<Observation>,
}

impl Model<'_> {
    /// The chunk's share of the loss, `[1]`.
    pub(crate) fn loss(&self, pass: &ForwardPass<'_>, batch: &Batch) -> Tensor<1> {
        self.value(self.logits(pass, batch), batch)
    }

    /// The logits of a chunk, `[batch, classes]`.
    pub(crate) fn logits(&self, pass: &ForwardPass<'_>, batch: &Batch) -> Tensor<2> {
        self.forward(pass, batch, false).0
    }

    /// The chunk's share of the loss, with the saved values from which its gradient starts.
    pub(crate) fn record(&self, pass: ForwardPass<'_>, batch: &Batch) -> Recorded {
        let (logits, saved) = self.forward(&pass, batch, true);
        Recorded {
            loss: self.value(logits.clone(), batch),
            logits,
            saved,
            observed: pass.into_observed(),
        }
    }

    /// Writes the gradient to the slots. Returns the chunk's share of the loss, `[1]`, and the batch statistics.
    pub(crate) fn backward(
        &self,
        pass: &ForwardPass<'_>,
        recorded: Recorded,
        batch: &Batch,
        slots: &mut Slots<'_>,
    ) -> (Tensor<1>, Vec<Observation>) {
        let Recorded {
            loss,
            logits,
            mut saved,
            observed,
        } = recorded;
        let (adjoint, _) = self.adjoint(logits, batch);
        let purpose = &mut Purpose::Gradient(slots);
        (self.network).backward(pass, &mut saved, Flow::Features(adjoint), purpose);
        (loss, observed)
    }

    /// The saved values from which the products with the Hessian of a chunk's share start.
    pub(crate) fn linearize(&self, pass: &ForwardPass<'_>, batch: &Batch) -> Linearized {
        let (logits, mut saved) = self.forward(pass, batch, true);
        let (adjoint, softmax) = self.adjoint(logits, batch);
        let adjoint = Flow::Features(adjoint);
        (self.network).backward(pass, &mut saved, adjoint, &mut Purpose::Products);
        Linearized { saved, softmax }
    }

    /// Writes the product of the Hessian of a chunk's share with the direction of the pass to the slots.
    pub(crate) fn product(&self, pass: &ForwardPass<'_>, at: &Linearized, slots: &mut Slots<'_>) {
        let (tangent, tangents) = self.network.jvp(pass, &at.saved, None);
        let tangent = tangent.expect("the logits of a network with parameters have a tangent");
        let adjoint_tangent = self.adjoint_tangent(tangent.features(), at);
        let adjoint_tangent = Flow::Features(adjoint_tangent);
        (self.network).backward_jvp(pass, &at.saved, tangents, adjoint_tangent, slots);
    }

    /// The logits, `[batch, classes]`, and the saved values, which are empty without `saves`.
    fn forward(&self, pass: &ForwardPass<'_>, batch: &Batch, saves: bool) -> (Tensor<2>, Saved) {
        let images = Flow::Image(batch.images.clone());
        let (logits, saved) = self.network.record(pass, images, false, saves);
        (logits.features(), saved)
    }

    /// The share of these logits in the loss, `[1]`.
    pub(crate) fn value(&self, logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
        let logits = Dual::constant(logits);
        (self.loss)
            .share_of_mean(logits, batch.targets.clone(), self.samples)
            .value
    }

    /// The derivative of the loss by the logits, and their softmax if the loss is the cross-entropy.
    fn adjoint(&self, logits: Tensor<2>, batch: &Batch) -> (Tensor<2>, Option<Tensor<2>>) {
        let [_, classes] = logits.dims();
        let targets = batch.targets.clone();
        match self.loss {
            Loss::Mse => ((logits - targets) * self.weight(classes), None),
            Loss::CrossEntropy => {
                let softmax = activation::softmax(logits, 1);
                let adjoint = (softmax.clone() - targets) * self.weight(classes);
                (adjoint, Some(softmax))
            }
        }
    }

    /// The derivative of [`adjoint`](Self::adjoint) along a tangent of the logits.
    fn adjoint_tangent(&self, tangent: Tensor<2>, at: &Linearized) -> Tensor<2> {
        let [_, classes] = tangent.dims();
        let bent = match &at.softmax {
            None => tangent,
            Some(softmax) => {
                let weighted = tangent * softmax.clone();
                weighted.clone() - weighted.sum_dim(1) * softmax.clone()
            }
        };
        bent * self.weight(classes)
    }

    /// The factor of the difference between outputs and targets in the derivative of the loss.
    fn weight(&self, classes: usize) -> f64 {
        match self.loss {
            Loss::Mse => 2.0 / (self.samples * classes) as f64,
            Loss::CrossEntropy => 1.0 / self.samples as f64,
        }
    }
}
