//! The parameters and options of a forward pass.
//!
//! The parameters come from the module itself, from a point without a tape, or from a point with a tape. With a
//! direction `v`, the loss carries its derivative along `v`, and one `backward()` of this derivative is `H·v`, exactly,
//! on every backend that differentiates once. The hand-written passes of the engine are tested against this pass.
//!
//! A pass that [watches](ForwardPass::watching) counts the small outputs of activations. In other passes this costs one
//! branch per activation.

use std::cell::{Cell, RefCell};

use burn::module::{Param, ParamId};
use burn::tensor::{Gradients, Int, Tensor};
use flatland_random::Stream;

use crate::engine::Slots;
use crate::ops::ChannelStatistics;
use crate::running::Observation;
use crate::{Dual, Layout, RunningStatistics};

/// The inputs of a forward pass: the values of the parameters, taped or not, the direction of their tangents, and the
/// statistics of batch normalization.
///
/// The parameters are views of the flat vector, so a pass copies none of them.
#[derive(Debug)]
pub struct ForwardPass<'a> {
    source: Option<Source<'a>>,
    direction: Option<Tensor<1>>,
    running: Option<&'a RunningStatistics>,
    observed: RefCell<Vec<Observation>>,
    masks: Option<Masks>,
    /// The number of dropout layers so far.
    masked: Cell<u64>,
    /// The reports of the activations. `None` if the pass does not watch them.
    watched: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    threshold: f64,
    reports: RefCell<Vec<SmallActivations>>,
}

/// The number of small outputs of one activation layer in a pass.
#[derive(Debug, Clone)]
pub struct SmallActivations {
    /// The number of small outputs, `[1]`, on the device.
    pub small: Tensor<1, Int>,
    /// The number of all outputs.
    pub total: usize,
}

/// The key of the random masks of dropout in a pass. Passes with the same key drop the same entries, so losses,
/// gradients and Hessian-vector products belong to one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masks {
    /// The seed of the run.
    pub seed: u64,
    /// The number of steps so far, below 2³².
    pub step: u64,
    /// The index of the chunk, below 2¹⁶.
    pub chunk: u64,
}

#[derive(Debug)]
struct Source<'a> {
    layout: &'a Layout,
    /// A flat view for each slot of the layout.
    values: Vec<Tensor<1>>,
}

impl<'a> ForwardPass<'a> {
    /// A pass with the network's own parameters, as any other burn module computes.
    pub fn own() -> ForwardPass<'static> {
        ForwardPass {
            source: None,
            direction: None,
            running: None,
            observed: RefCell::default(),
            masks: None,
            masked: Cell::new(0),
            watched: None,
        }
    }

    /// A pass with the parameters at `point`, without a tape.
    ///
    /// # Panics
    ///
    /// Panics if the length of `point` is not the layout's dimension.
    pub fn plain(layout: &'a Layout, point: &Tensor<1>) -> Self {
        Self::at(layout, point, |view| view)
    }

    /// A pass with the parameters at `point`, each a leaf of a new tape.
    ///
    /// # Panics
    ///
    /// Panics if the length of `point` is not the layout's dimension.
    pub fn taped(layout: &'a Layout, point: &Tensor<1>) -> Self {
        Self::at(layout, point, |view| {
            Tensor::from_inner(view).require_grad()
        })
    }

    fn at(layout: &'a Layout, point: &Tensor<1>, prepare: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        check_length(layout, point, "point");
        let views = layout
            .slots()
            .iter()
            .map(|slot| point.clone().slice(slot.range.clone()));
        let values = views.map(prepare).collect();
        Self {
            source: Some(Source { layout, values }),
            ..ForwardPass::own()
        }
    }

    /// A pass with the same parameters and direction, each parameter a leaf of a new tape.
    ///
    /// # Panics
    ///
    /// Panics if the pass is not at a point.
    pub(crate) fn retaped(&self) -> ForwardPass<'a> {
        let Source { layout, values } = self.source.as_ref().expect("a pass at a point");
        let leaf = |view: &Tensor<1>| Tensor::from_inner(view.clone()).require_grad();
        let values = values.iter().map(leaf).collect();
        ForwardPass {
            source: Some(Source { layout, values }),
            direction: self.direction.clone(),
            ..ForwardPass::own()
        }
    }

    /// Writes the gradients at the leaves of a taped pass to the slots.
    pub(crate) fn put_gradients(&self, gradients: &mut Gradients, slots: &mut Slots<'_>) {
        let values = self.source.iter().flat_map(|source| &source.values);
        for (position, leaf) in values.enumerate() {
            if let Some(gradient) = leaf.grad_remove(gradients) {
                slots.put_at(position, gradient);
            }
        }
    }

    /// Normalizes by running statistics instead of the statistics of the batch.
    pub fn normalized_by(mut self, running: &'a RunningStatistics) -> Self {
        self.running = Some(running);
        self
    }

    /// Drops entries in [`Dropout`](crate::Dropout) layers.
    pub fn dropping(mut self, masks: Masks) -> Self {
        self.masks = Some(masks);
        self
    }

    /// Counts, at every [`Activation`](crate::Activation), the outputs `a` with `|a| < threshold`.
    pub fn watching(mut self, threshold: f64) -> Self {
        self.watched = Some(Watched {
            threshold,
            reports: RefCell::default(),
        });
        self
    }

    /// Counts the small outputs of an activation, if the pass [watches](Self::watching) them.
    pub(crate) fn watch<const D: usize>(&self, outputs: &Tensor<D>) {
        if let Some(Watched { threshold, reports }) = &self.watched {
            let small = outputs.clone().abs().lower_elem(*threshold);
            reports.borrow_mut().push(SmallActivations {
                small: small.int().sum(),
                total: outputs.shape().num_elements(),
            });
        }
    }

    /// The counts of the activations, in the order of the pass. Empty if the pass did not [watch](Self::watching) them.
    pub fn into_watched(self) -> Vec<SmallActivations> {
        self.watched
            .map_or(Vec::new(), |watched| watched.reports.into_inner())
    }

    /// The random numbers of the next dropout layer. `None` if the pass drops nothing.
    pub(crate) fn next_mask(&self) -> Option<Stream> {
        let Masks { seed, step, chunk } = self.masks?;
        let layer = self.masked.replace(self.masked.get() + 1);
        let index = step << 32 | chunk << 16 | layer;
        Some(flatland_random::stream(seed, "dropout", index))
    }

    /// The running statistics of one normalization. `None` if the pass normalizes by the batch.
    pub(crate) fn running(&self, id: ParamId) -> Option<&ChannelStatistics> {
        self.running.and_then(|running| running.get(id))
    }

    /// Records the batch statistics of a normalization.
    pub(crate) fn observe(&self, observation: Observation) {
        self.observed.borrow_mut().push(observation);
    }

    /// The batch statistics of all normalizations.
    pub(crate) fn into_observed(self) -> Vec<Observation> {
        self.observed.into_inner()
    }

    /// Sets the tangent of every parameter to its part of `direction`.
    ///
    /// # Panics
    ///
    /// Panics if the length of `direction` is not the layout's dimension, or if the pass has the network's
    /// [own](ForwardPass::own) parameters, which have no order.
    pub fn along(mut self, direction: &Tensor<1>) -> Self {
        let source = self
            .source
            .as_ref()
            .expect("a direction needs a pass at a point");
        check_length(source.layout, direction, "direction");
        self.direction = Some(direction.clone());
        self
    }

    /// The value and tangent of one parameter. A frozen parameter, which is not in the layout, keeps its own value.
    pub fn parameter<const D: usize>(&self, param: &Param<Tensor<D>>) -> Dual<D> {
        let placed = self
            .source
            .as_ref()
            .and_then(|s| Some((s, s.layout.position(param.id)?)));
        let Some((source, position)) = placed else {
            return Dual::constant(param.val());
        };
        let slot = &source.layout.slots()[position];
        let shape: [usize; D] = param.shape().dims();
        let tangent = self
            .direction
            .as_ref()
            .map(|d| d.clone().slice(slot.range.clone()));
        Dual {
            value: source.values[position].clone().reshape(shape),
            tangent: tangent.map(|t| t.reshape(shape)),
        }
    }

    /// The gradient at the leaves of a [taped](ForwardPass::taped) pass, on the plain device: a flat tensor for each
    /// slot of the layout. The gradient of a parameter on which the differentiated quantity does not depend is zero.
    ///
    /// # Panics
    ///
    /// Panics if the pass is not at a point.
    pub fn gradient(&self, mut gradients: Gradients) -> Vec<Tensor<1>> {
        let source = self
            .source
            .as_ref()
            .expect("a gradient needs a pass at a point");
        let parts = source.values.iter().map(|leaf| {
            leaf.grad_remove(&mut gradients)
                .unwrap_or_else(|| leaf.clone().inner().zeros_like())
        });
        parts.collect()
    }
}

fn check_length(layout: &Layout, vector: &Tensor<1>, what: &str) {
    let [length] = vector.dims();
    assert_eq!(
        length,
        layout.dimension(),
        "the {what} has {length} entries, but the network has {} parameters",
        layout.dimension()
    );
}
