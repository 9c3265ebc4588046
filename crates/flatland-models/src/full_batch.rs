//! The mean loss over a set of samples, in chunks.

mod trials;

use burn::module::Module;
use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, Products};

use crate::engine::{Linearized, Model, Slots};
use crate::initializer::Emptier;
use crate::lanes::Lanes;
use crate::running::Observation;
use crate::{Batch, Footprint, InputShape, Layout, Loss, Masks, Pass, RunningStatistics, Sequence};
use trials::Trials;

/// How a network does on a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// The share of samples whose largest logit is that of their label.
    pub accuracy: f64,
}

/// The mean loss of a network over a set of samples, as a function of its parameters. The samples are fixed until
/// [others are set](Self::set_samples).
///
/// Loss, gradient and Hessian-vector product are sums over the chunks in their order, so that memory is bounded by a
/// chunk. The losses of the chunks are added in `f64`. A loss leaves no tape.
///
/// # Memory
///
/// The objective holds its samples and no vector of the network's dimension. While it computes, it holds, besides the
/// point, the direction, and what the layers keep of a chunk:
///
/// - loss: none
/// - gradient and Hessian-vector product: one, and with several chunks another, for the sum over the earlier ones
///
/// [`Footprint::bytes`](crate::Footprint::bytes) estimates all of it.
///
/// Batch normalization takes the statistics of the chunk it is given, so of such a network the chunk is a ghost batch,
/// and the objective depends on it. The running statistics move by [`commit_step`](Self::commit_step) alone.
#[derive(Debug, Clone)]
pub struct FullBatch {
    network: Sequence,
    layout: Layout,
    loss: Loss,
    chunks: Vec<Batch>,
    samples: usize,
    running: RunningStatistics,
    /// What normalization saw at the first gradient since the last step.
    observed: Vec<Observation>,
    /// The seed of dropout, if there is any.
    dropout: Option<u64>,
    /// How often [`commit_step`](Self::commit_step) was called.
    steps: u64,
    /// Chunks that go through the network at the same time.
    lanes: Option<Lanes>,
    /// Bytes for what products at one point have in common.
    memory_for_products: u64,
    /// What was kept of the last trials, for the gradient at one of them.
    trials: Trials,
    footprint: Footprint,
}

/// Bytes that a [`FullBatch`] keeps for products at one point, unless it is told otherwise.
const MEMORY_FOR_PRODUCTS: u64 = 1 << 30;

impl FullBatch {
    /// The mean of `loss` over the samples of all `chunks`.
    ///
    /// The objective takes its parameters from the points that it is given, and drops those of the network.
    ///
    /// # Panics
    ///
    /// Where there are no samples.
    pub fn new(network: Sequence, loss: Loss, chunks: Vec<Batch>) -> Self {
        let samples = count(&chunks);
        let [_, channels, height, width] = chunks[0].images.dims();
        let image = InputShape {
            channels,
            height,
            width,
        };
        Self {
            memory_for_products: MEMORY_FOR_PRODUCTS,
            trials: Trials::default(),
            footprint: Footprint::of(&network, image),
            layout: Layout::of(&network),
            running: RunningStatistics::of(&network),
            observed: Vec::new(),
            dropout: None,
            steps: 0,
            lanes: None,
            network: network.map(&mut Emptier),
            loss,
            chunks,
            samples,
        }
    }

    /// Makes the objective the mean loss over other samples, such as the next [mini-batch](crate::MiniBatches). The
    /// running statistics and the masks of dropout stay: only [`commit_step`](Self::commit_step) moves those. What
    /// normalization saw of the earlier samples without a step is forgotten.
    ///
    /// # Panics
    ///
    /// Where there are no samples.
    pub fn set_samples(&mut self, chunks: Vec<Batch>) {
        self.samples = count(&chunks);
        self.chunks = chunks;
        self.observed.clear();
        self.trials.forget();
    }

    /// Lets the network's [`Dropout`](crate::Dropout) layers drop entries, at random by `seed`. The masks change with
    /// [`commit_step`](Self::commit_step) alone: until then the objective is one smooth function.
    pub fn with_dropout(mut self, seed: u64) -> Self {
        self.dropout = self.network.has_dropout().then_some(seed);
        self
    }

    /// Lets so many chunks go through the network at the same time, each on a thread of its own: on a CPU this is faster
    /// than operators that share the threads, of which many have too little to do or use one only. The results are the
    /// same bits. Memory is that of a chunk, and of a vector while a gradient is made, for each thread.
    ///
    /// # Panics
    ///
    /// Where the operating system gives no threads.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.lanes = (threads > 1).then(|| Lanes::new(threads));
        self
    }

    /// Sets how many bytes [`products_at`](Curvature::products_at) may take, besides what a product takes, to keep what
    /// the products have in common: 1 GiB unless told otherwise. It keeps whole chunks, as many as
    /// [`Footprint::kept_bytes`] says fit; products do over what the others have in common, and are the same.
    pub fn with_memory_for_products(mut self, bytes: u64) -> Self {
        self.memory_for_products = bytes;
        self
    }

    /// Lets [`loss`](Objective::loss) keep its passes through the network, in so many bytes, for the gradient at the same
    /// point: a line search goes on from one of the last two points that it tried. Without a call nothing is kept. It
    /// pays where losses are mostly trials; it is forgotten by [products](Curvature), by
    /// [other samples](Self::set_samples) and, where there is dropout, by [`commit_step`](Self::commit_step). The results
    /// are the same bits. Besides the chunks' share, each of the two trials takes a vector.
    pub fn with_memory_for_trials(mut self, bytes: u64) -> Self {
        self.trials = Trials::within(bytes);
        self
    }

    /// The network whose loss it is, for passes [at a point](Pass::plain): its own trainable parameters are NaN.
    pub fn network(&self) -> &Sequence {
        &self.network
    }

    /// Where each parameter lies in a point.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The running statistics of batch normalization, for a network that has any.
    pub fn running_statistics(&self) -> Option<&RunningStatistics> {
        (!self.running.is_empty()).then_some(&self.running)
    }

    /// Moves the running statistics once, towards what normalization saw at the point where the step began: at the
    /// first gradient since the last call. Draws new masks for dropout.
    pub fn commit_step(&mut self) {
        self.steps += 1;
        if self.dropout.is_some() {
            self.trials.forget();
        }
        self.running.update(&std::mem::take(&mut self.observed));
    }

    /// The loss and the accuracy at `point`, where batch normalization takes the statistics of the batch, or `running`
    /// ones. Nothing is dropped.
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        let evaluate = |_, chunk: &Batch| {
            let mut pass = Pass::plain(&self.layout, point);
            if let Some(running) = running {
                pass = pass.normalized_by(running);
            }
            let logits = self.model().logits(&pass, chunk);
            let predictions = logits.clone().argmax(1).squeeze_dim(1);
            let correct = predictions.equal(chunk.labels.clone()).int().sum();
            (self.model().value(logits, chunk), correct)
        };
        let (losses, correct) = self.each_chunk(evaluate).into_iter().unzip();
        let correct: i64 = Tensor::cat(correct, 0).into_data().iter::<i64>().sum();
        Evaluation {
            loss: sum(losses),
            accuracy: correct as f64 / self.samples as f64,
        }
    }

    /// For each activation layer, in the order in which a pass comes through them, the share of its outputs `a` on all
    /// samples with `|a| < threshold`. With dropout, its masks are those of the loss at this step.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        let watch = |index, chunk: &Batch| {
            let pass = Pass::plain(&self.layout, point).watching(threshold);
            let pass = self.pass(pass, index);
            self.model().logits(&pass, chunk);
            pass.into_watched()
        };
        let mut layers: Vec<(i64, usize)> = Vec::new();
        self.take_chunks(watch, |reports| {
            layers.resize(reports.len(), (0, 0));
            for ((small, total), report) in layers.iter_mut().zip(reports) {
                *small += report.small.into_scalar::<i64>();
                *total += report.total;
            }
        });
        let shares = layers.iter();
        shares
            .map(|(small, total)| *small as f64 / *total as f64)
            .collect()
    }

    /// The pass of one chunk.
    fn pass<'a>(&'a self, pass: Pass<'a>, chunk: usize) -> Pass<'a> {
        let masks = |seed| Masks {
            seed,
            step: self.steps,
            chunk: chunk as u64,
        };
        match self.dropout.map(masks) {
            Some(masks) => pass.dropping(masks),
            None => pass,
        }
    }

    fn model(&self) -> Model<'_> {
        Model {
            network: &self.network,
            loss: self.loss,
            samples: self.samples,
        }
    }

    /// What the products of a chunk at a point have in common.
    fn linearize(&self, point: &Tensor<1>, chunk: usize) -> Linearized {
        let pass = self.pass(Pass::plain(&self.layout, point), chunk);
        self.model().linearize(&pass, &self.chunks[chunk])
    }

    /// The Hessian-vector product, from what was kept of the first chunks.
    fn product(
        &self,
        point: &Tensor<1>,
        direction: &Tensor<1>,
        kept: &[Option<Linearized>],
    ) -> Tensor<1> {
        let part = |index: usize, _: &Batch| {
            let made;
            let at = match kept.get(index) {
                Some(Some(kept)) => kept,
                _ => {
                    made = self.linearize(point, index);
                    &made
                }
            };
            let pass = Pass::plain(&self.layout, point).along(direction);
            let mut slots = Slots::new(&self.layout, point);
            self.model().product(&pass, at, &mut slots);
            (slots.into_vector(), ())
        };
        self.accumulate(part, |()| ())
    }

    /// How many chunks can be kept in so many bytes.
    fn chunks_to_keep(&self, bytes: u64) -> usize {
        let largest = &self.chunks[0];
        let number = largest.images.dtype().size();
        let of_chunk = self.footprint.kept_bytes(largest.len(), number);
        usize::try_from(bytes / of_chunk.max(1)).unwrap_or(usize::MAX)
    }

    /// What `make` returns for each chunk.
    fn each_chunk<T: Send>(&self, make: impl Fn(usize, &Batch) -> T + Sync) -> Vec<T> {
        let mut made = Vec::with_capacity(self.chunks.len());
        self.take_chunks(make, |result| made.push(result));
        made
    }

    /// Gives `take` what `make` returns for each chunk, in their order.
    fn take_chunks<T: Send>(
        &self,
        make: impl Fn(usize, &Batch) -> T + Sync,
        mut take: impl FnMut(T),
    ) {
        match &self.lanes {
            Some(lanes) if self.chunks.len() > 1 => {
                let make = |index: usize| make(index, &self.chunks[index]);
                lanes.run(self.chunks.len(), make, |_, result| take(result));
            }
            // Inside rayon's threads, so that operators that share their work need not be handed over to them.
            _ => (self.chunks.iter().enumerate()).for_each(|(index, chunk)| {
                take(rayon::scope(|_| make(index, chunk)));
            }),
        }
    }

    /// The sum of a vector over the chunks, each of which gives something else, too, for `note`.
    fn accumulate<T: Send>(
        &self,
        part: impl Fn(usize, &Batch) -> (Tensor<1>, T) + Sync,
        mut note: impl FnMut(T),
    ) -> Tensor<1> {
        let mut sum: Option<Tensor<1>> = None;
        self.take_chunks(part, |(part, noted)| {
            sum = Some(match sum.take() {
                Some(sum) => sum + part,
                None => part,
            });
            note(noted);
        });
        sum.expect("there is at least one chunk")
    }
}

impl Objective for FullBatch {
    fn dimension(&self) -> usize {
        self.layout.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        self.trials.make_room();
        let kept = self.trials.memory_beside(point);
        let count = self.chunks_to_keep(kept);
        let (losses, recorded) = (self.each_chunk(|index, chunk| {
            let pass = self.pass(Pass::plain(&self.layout, point), index);
            if index < count {
                let recorded = self.model().record(pass, chunk);
                (recorded.loss.clone(), Some(recorded))
            } else {
                (self.model().loss(&pass, chunk), None)
            }
        }))
        .into_iter()
        .unzip();
        self.trials.keep(point, recorded);
        sum(losses)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let recorded = self.trials.take(point);
        let mut losses = Vec::with_capacity(self.chunks.len());
        let mut observed = Vec::new();
        let part = |index, chunk: &Batch| {
            let pass = || self.pass(Pass::plain(&self.layout, point), index);
            let recorded = recorded.chunk(index);
            let recorded = recorded.unwrap_or_else(|| self.model().record(pass(), chunk));
            let mut slots = Slots::new(&self.layout, point);
            let noted = self.model().pull(&pass(), recorded, chunk, &mut slots);
            (slots.into_vector(), noted)
        };
        let gradient = self.accumulate(part, |(loss, seen)| {
            losses.push(loss);
            observed.extend(seen);
        });
        if self.observed.is_empty() {
            self.observed = observed;
        }
        (sum(losses), gradient)
    }
}

impl Curvature for FullBatch {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.trials.forget();
        self.product(point, direction, &[])
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        self.trials.forget();
        let this = &*self;
        let count = this.chunks_to_keep(this.memory_for_products);
        let kept =
            this.each_chunk(|index, _| (index < count).then(|| this.linearize(point, index)));
        Box::new(move |direction| this.product(point, direction, &kept))
    }
}

/// The samples of all chunks, of which there must be some.
fn count(chunks: &[Batch]) -> usize {
    let samples = chunks.iter().map(Batch::len).sum();
    assert!(samples > 0, "an objective needs at least one sample");
    samples
}

/// The sum of scalars on the device, read at once and added in `f64`.
fn sum(shares: Vec<Tensor<1>>) -> f64 {
    Tensor::cat(shares, 0).into_data().iter::<f64>().sum()
}
