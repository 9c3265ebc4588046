//! One chunk of samples through all passes.

use burn::tensor::{Tensor, activation};

use super::Slots;
use super::flow::Flow;
use super::node::Kept;
use super::slots::Purpose;
use crate::running::Observation;
use crate::{Batch, Dual, Loss, Pass, Sequence};

/// A network with its loss, and how many samples the mean is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model<'a> {
    pub(crate) network: &'a Sequence,
    pub(crate) loss: Loss,
    pub(crate) samples: usize,
}

/// The share of a chunk in the loss, to first order at a point: what Hessian-vector products there have in common.
#[derive(Debug)]
pub(crate) struct Linearized {
    kept: Kept,
    /// The softmax of the logits, `[batch, classes]`, for the cross-entropy.
    softmax: Option<Tensor<2>>,
}

/// One forward pass of a chunk.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The share in the loss, `[1]`.
    pub(crate) loss: Tensor<1>,
    /// `[batch, classes]`
    logits: Tensor<2>,
    kept: Kept,
    /// What normalization saw.
    observed: Vec<Observation>,
}

impl Model<'_> {
    /// The share of a chunk in the loss, `[1]`.
    pub(crate) fn loss(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<1> {
        self.value(self.logits(pass, batch), batch)
    }

    /// The logits of a chunk, `[batch, classes]`.
    pub(crate) fn logits(&self, pass: &Pass<'_>, batch: &Batch) -> Tensor<2> {
        self.push(pass, batch, false).0
    }

    /// The share of a chunk in the loss, with what its gradient starts from.
    pub(crate) fn record(&self, pass: Pass<'_>, batch: &Batch) -> Recorded {
        let (logits, kept) = self.push(&pass, batch, true);
        Recorded {
            loss: self.value(logits.clone(), batch),
            logits,
            kept,
            observed: pass.into_observed(),
        }
    }

    /// The share of a chunk in the loss, `[1]`, and what normalization saw; the gradient goes to the slots.
    pub(crate) fn pull(
        &self,
        pass: &Pass<'_>,
        recorded: Recorded,
        batch: &Batch,
        slots: &mut Slots<'_>,
    ) -> (Tensor<1>, Vec<Observation>) {
        let Recorded {
            loss,
            logits,
            mut kept,
            observed,
        } = recorded;
        let (adjoint, _) = self.adjoint(logits, batch);
        let purpose = &mut Purpose::Gradient(slots);
        (self.network).pull(pass, &mut kept, Flow::Features(adjoint), purpose);
        (loss, observed)
    }

    /// What the products with the Hessian of a chunk's share start from.
    pub(crate) fn linearize(&self, pass: &Pass<'_>, batch: &Batch) -> Linearized {
        let (logits, mut kept) = self.push(pass, batch, true);
        let (adjoint, softmax) = self.adjoint(logits, batch);
        let adjoint = Flow::Features(adjoint);
        (self.network).pull(pass, &mut kept, adjoint, &mut Purpose::Tangents);
        Linearized { kept, softmax }
    }

    /// The product of the Hessian of a chunk's share with the direction of the pass, which goes to the slots.
    pub(crate) fn product(&self, pass: &Pass<'_>, at: &Linearized, slots: &mut Slots<'_>) {
        let (tangent, moved) = self.network.push_tangent(pass, &at.kept, None);
        let tangent = tangent.expect("the logits of a network with parameters have a tangent");
        let along = self.adjoint_tangent(tangent.features(), at);
        let along = Flow::Features(along);
        (self.network).pull_tangent(pass, &at.kept, moved, along, slots);
    }

    /// The logits, `[batch, classes]`; and what was kept, which is nothing without `keeps`.
    fn push(&self, pass: &Pass<'_>, batch: &Batch, keeps: bool) -> (Tensor<2>, Kept) {
        let images = Flow::Image(batch.images.clone());
        let (logits, kept) = self.network.record(pass, images, false, keeps);
        (logits.features(), kept)
    }

    /// The share in the loss, `[1]`.
    pub(crate) fn value(&self, logits: Tensor<2>, batch: &Batch) -> Tensor<1> {
        let logits = Dual::constant(logits);
        (self.loss)
            .share_of_mean(logits, batch.targets.clone(), self.samples)
            .value
    }

    /// The derivative of the loss by the logits, and their softmax where it takes that.
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

    /// What the difference of the outputs and the targets is multiplied by.
    fn weight(&self, classes: usize) -> f64 {
        match self.loss {
            Loss::Mse => 2.0 / (self.samples * classes) as f64,
            Loss::CrossEntropy => 1.0 / self.samples as f64,
        }
    }
}
