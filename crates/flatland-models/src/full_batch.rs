//! The mean loss over a set of samples, in chunks.

mod evaluator;
mod trials;
mod unless;

use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, Products};

use crate::initializer::Emptier;
use crate::lanes::Lanes;
use crate::running::Observation;
use crate::{Batch, Footprint, InputShape, Layout, Loss, RunningStatistics, Sequence};
pub use evaluator::Evaluation;
use evaluator::{ChunkedLoss, Evaluator};
use trials::Trials;
pub use unless::Unless;

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
    chunked: ChunkedLoss,
    running: RunningStatistics,
    /// What normalization saw at the first gradient since the last step.
    observed: Vec<Observation>,
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
            running: RunningStatistics::of(&network),
            observed: Vec::new(),
            chunked: ChunkedLoss {
                layout: Layout::of(&network),
                network: network.map(&mut Emptier),
                loss,
                chunks,
                samples,
                dropout: None,
                steps: 0,
                lanes: None,
            },
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
        self.chunked.samples = count(&chunks);
        self.chunked.chunks = chunks;
        self.observed.clear();
        self.trials.forget();
    }

    /// Lets the network's [`Dropout`](crate::Dropout) layers drop entries, at random by `seed`. The masks change with
    /// [`commit_step`](Self::commit_step) alone: until then the objective is one smooth function.
    pub fn with_dropout(mut self, seed: u64) -> Self {
        self.chunked.dropout = self.chunked.network.has_dropout().then_some(seed);
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
        self.chunked.lanes = (threads > 1).then(|| Lanes::new(threads));
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

    /// The network whose loss it is, for passes [at a point](crate::Pass::plain): its own trainable parameters are NaN.
    pub fn network(&self) -> &Sequence {
        &self.chunked.network
    }

    /// Where each parameter lies in a point.
    pub fn layout(&self) -> &Layout {
        &self.chunked.layout
    }

    /// The running statistics of batch normalization, for a network that has any.
    pub fn running_statistics(&self) -> Option<&RunningStatistics> {
        (!self.running.is_empty()).then_some(&self.running)
    }

    /// Moves the running statistics once, towards what normalization saw at the point where the step began: at the
    /// first gradient since the last call. Draws new masks for dropout.
    pub fn commit_step(&mut self) {
        self.chunked.steps += 1;
        if self.chunked.dropout.is_some() {
            self.trials.forget();
        }
        self.running.update(&std::mem::take(&mut self.observed));
    }

    /// The loss and the accuracy at `point`, where batch normalization takes the statistics of the batch, or `running`
    /// ones. Nothing is dropped.
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        whole(self.evaluator(None).evaluate(point, running))
    }

    /// For each activation layer, in the order in which a pass comes through them, the share of its outputs `a` on all
    /// samples with `|a| < threshold`. With dropout, its masks are those of the loss at this step.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        whole(self.evaluator(None).small_activations(point, threshold))
    }

    /// The same objective as long as `flag` is not raised.
    pub fn unless<'a>(&'a mut self, flag: &'a AtomicBool) -> Unless<'a> {
        Unless::new(self, flag)
    }

    /// How often [`commit_step`](Self::commit_step) was called: what the masks of dropout depend on.
    pub fn steps(&self) -> u64 {
        self.chunked.steps
    }

    /// Goes on as after so many [steps](Self::steps), with the running statistics that there were then.
    pub fn go_on_after(&mut self, steps: u64, running: RunningStatistics) {
        self.chunked.steps = steps;
        self.running = running;
        self.observed.clear();
        self.trials.forget();
    }

    /// How many chunks can be kept in so many bytes.
    fn chunks_to_keep(&self, bytes: u64) -> usize {
        let largest = &self.chunked.chunks[0];
        let number = largest.images.dtype().size();
        let of_chunk = self.footprint.kept_bytes(largest.len(), number);
        usize::try_from(bytes / of_chunk.max(1)).unwrap_or(usize::MAX)
    }

    /// How many chunks keep what the products at one point have in common.
    fn products_to_keep(&self) -> usize {
        self.chunks_to_keep(self.memory_for_products)
    }

    fn evaluator<'a>(&'a self, flag: Option<&'a AtomicBool>) -> Evaluator<'a> {
        Evaluator::new(&self.chunked, flag)
    }

    /// The loss, and what the gradient at this point can start from is kept. Nothing if the flag was raised.
    fn loss_unless(&mut self, point: &Tensor<1>, flag: Option<&AtomicBool>) -> Option<f64> {
        self.trials.make_room();
        let count = self.chunks_to_keep(self.trials.memory_beside(point));
        let (loss, recorded) = self.evaluator(flag).loss(point, count)?;
        self.trials.keep(point, recorded);
        Some(loss)
    }

    /// Loss and gradient, and what normalization saw at the first gradient since the last step is kept. Nothing if the
    /// flag was raised.
    fn loss_and_gradient_unless(
        &mut self,
        point: &Tensor<1>,
        flag: Option<&AtomicBool>,
    ) -> Option<(f64, Tensor<1>)> {
        let recorded = self.trials.take(point);
        let (loss, gradient, observed) = self.evaluator(flag).loss_and_gradient(point, &recorded)?;
        if self.observed.is_empty() {
            self.observed = observed;
        }
        Some((loss, gradient))
    }
}

impl Objective for FullBatch {
    fn dimension(&self) -> usize {
        self.chunked.layout.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        whole(self.loss_unless(point, None))
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        whole(self.loss_and_gradient_unless(point, None))
    }
}

impl Curvature for FullBatch {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.trials.forget();
        whole(self.evaluator(None).product(point, direction, &[]))
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        self.trials.forget();
        let evaluator = self.evaluator(None);
        let kept = whole(evaluator.linearized(point, self.products_to_keep()));
        Box::new(move |direction| whole(evaluator.product(point, direction, &kept)))
    }
}

/// The result of an evaluation without a flag.
fn whole<T>(evaluated: Option<T>) -> T {
    evaluated.expect("without a flag no chunk is left out")
}

/// The samples of all chunks, of which there must be some.
fn count(chunks: &[Batch]) -> usize {
    let samples = chunks.iter().map(Batch::len).sum();
    assert!(samples > 0, "an objective needs at least one sample");
    samples
}
