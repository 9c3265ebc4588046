//! Where a forward pass takes its parameters from.

use std::cell::{Cell, RefCell};

use burn::module::{Param, ParamId};
use burn::tensor::{Gradients, Int, Tensor};
use flatland_random::Stream;

use crate::engine::Slots;
use crate::ops::ChannelStatistics;
use crate::running::Observation;
use crate::{Dual, Layout, RunningStatistics};

/// What a forward pass is made with: the values of the parameters, taped or not, the direction that their tangents
/// take, and where normalization takes its statistics from.
///
/// The parameters are views of the flat vector, so a pass copies none of them.
#[derive(Debug)]
pub struct Pass<'a> {
    source: Option<Source<'a>>,
    direction: Option<Tensor<1>>,
    running: Option<&'a RunningStatistics>,
    observed: RefCell<Vec<Observation>>,
    masks: Option<Masks>,
    /// The dropout layers that the pass has come through.
    masked: Cell<u64>,
    /// What the activations have reported, if the pass watches them.
    watched: Option<Watched>,
}

#[derive(Debug)]
struct Watched {
    threshold: f64,
    reports: RefCell<Vec<SmallActivations>>,
}

/// How many outputs of one activation layer were small in a pass.
#[derive(Debug, Clone)]
pub struct SmallActivations {
    /// How many were small: a single number, left on the device.
    pub small: Tensor<1, Int>,
    /// How many there were.
    pub total: usize,
}

/// Names the random masks of dropout in a pass. Passes with the same masks drop the same entries, so that the losses of
/// trials, gradients and Hessian products are those of one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masks {
    /// The seed of the run.
    pub seed: u64,
    /// Steps taken so far; below 2³².
    pub step: u64,
    /// The chunk of the batch; below 2¹⁶.
    pub chunk: u64,
}

#[derive(Debug)]
struct Source<'a> {
    layout: &'a Layout,
    /// One flat view for each slot of the layout.
    values: Vec<Tensor<1>>,
}

impl<'a> Pass<'a> {
    /// The parameters that the network itself holds: what any other burn module would compute.
    pub fn own() -> Pass<'static> {
        Pass {
            source: None,
            direction: None,
            running: None,
            observed: RefCell::default(),
            masks: None,
            masked: Cell::new(0),
            watched: None,
        }
    }

    /// The parameters at `point`, without a tape.
    ///
    /// # Panics
    ///
    /// Where `point` has another length than the layout.
    pub fn plain(layout: &'a Layout, point: &Tensor<1>) -> Self {
        Self::at(layout, point, |view| view)
    }

    /// The parameters at `point`, each a leaf of a new tape.
    ///
    /// # Panics
    ///
    /// Where `point` has another length than the layout.
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
            ..Pass::own()
        }
    }

    /// The same parameters and direction, each parameter a leaf of a new tape.
    ///
    /// # Panics
    ///
    /// Where the pass is not at a point.
    pub(crate) fn again_taped(&self) -> Pass<'a> {
        let Source { layout, values } = self.source.as_ref().expect("a pass at a point");
        let leaf = |view: &Tensor<1>| Tensor::from_inner(view.clone()).require_grad();
        let values = values.iter().map(leaf).collect();
        Pass {
            source: Some(Source { layout, values }),
            direction: self.direction.clone(),
            ..Pass::own()
        }
    }

    /// Puts the gradients at the leaves of a taped pass into the slots.
    pub(crate) fn put_gradients(&self, gradients: &mut Gradients, slots: &mut Slots<'_>) {
        let values = self.source.iter().flat_map(|source| &source.values);
        for (position, leaf) in values.enumerate() {
            if let Some(gradient) = leaf.grad_remove(gradients) {
                slots.put_at(position, gradient);
            }
        }
    }

    /// Normalizes with running statistics instead of those of the batch.
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

    /// Notes the outputs of an activation, if the pass [watches](Self::watching) them.
    pub(crate) fn watch<const D: usize>(&self, outputs: &Tensor<D>) {
        if let Some(Watched { threshold, reports }) = &self.watched {
            let small = outputs.clone().abs().lower_elem(*threshold);
            reports.borrow_mut().push(SmallActivations {
                small: small.int().sum(),
                total: outputs.shape().num_elements(),
            });
        }
    }

    /// What the activations reported, in the order in which the pass came through them.
    pub fn into_watched(self) -> Vec<SmallActivations> {
        self.watched
            .map_or(Vec::new(), |watched| watched.reports.into_inner())
    }

    /// The random numbers of the next dropout layer, if the pass drops.
    pub(crate) fn next_mask(&self) -> Option<Stream> {
        let Masks { seed, step, chunk } = self.masks?;
        let layer = self.masked.replace(self.masked.get() + 1);
        let index = step << 32 | chunk << 16 | layer;
        Some(flatland_random::stream(seed, "dropout", index))
    }

    /// The running statistics of one normalization, if the pass uses them.
    pub(crate) fn running(&self, id: ParamId) -> Option<&ChannelStatistics> {
        self.running.and_then(|running| running.get(id))
    }

    /// Notes the statistics of a batch that went through a normalization.
    pub(crate) fn observe(&self, observation: Observation) {
        self.observed.borrow_mut().push(observation);
    }

    /// What the normalizations saw during the pass.
    pub(crate) fn into_observed(self) -> Vec<Observation> {
        self.observed.into_inner()
    }

    /// Gives every parameter its part of `direction` as tangent.
    ///
    /// # Panics
    ///
    /// Where `direction` has another length than the layout, or the pass uses the network's [own](Pass::own)
    /// parameters, which have no order.
    pub fn along(mut self, direction: &Tensor<1>) -> Self {
        let source = self
            .source
            .as_ref()
            .expect("a direction needs a pass at a point");
        check_length(source.layout, direction, "direction");
        self.direction = Some(direction.clone());
        self
    }

    /// The value and tangent of one parameter. What is not in the layout (a frozen parameter) keeps its own value.
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

    /// The gradient at the leaves of a [taped](Pass::taped) pass on the plain device, one flat tensor for each slot of
    /// the layout, taken out of `gradients`. A parameter that the differentiated quantity does not depend on has
    /// gradient zero.
    ///
    /// # Panics
    ///
    /// Where the pass is not at a point.
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
