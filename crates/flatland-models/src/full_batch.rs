//! The mean loss over a set of samples, as an objective.

mod evaluator;
mod interruptible;
mod trials;

use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::Tensor;
use flatland_optim::{Curvature, Objective, Products};

use crate::chunk_threads::ChunkThreads;
use crate::initializer::Emptier;
use crate::running::Observation;
use crate::{Batch, Footprint, InputShape, Layout, Loss, RunningStatistics, Sequence};
pub use evaluator::Evaluation;
use evaluator::{ChunkedLoss, Evaluator};
pub use interruptible::Interruptible;
use trials::Trials;

/// The mean loss of a network over a set of samples, as a function of its parameters. The samples are fixed until
/// [`set_samples`](Self::set_samples) is called.
///
/// Loss, gradient and Hessian-vector product are sums over chunks in a fixed order, so memory is bounded by a chunk.
/// The losses of the chunks are added in `f64`. A loss leaves no tape.
///
/// # Memory
///
/// The objective holds its samples and no vector of the network's dimension. During an evaluation it holds the saved
/// values of a chunk and, besides the point and the direction,
///
/// - for a loss: no vector
/// - for a gradient or a Hessian-vector product: one vector, and with several chunks a second one for the sum.
///
/// [`Footprint::bytes`](crate::Footprint::bytes) estimates the memory of an evaluation.
///
/// Batch normalization uses the statistics of a chunk. With batch normalization, a chunk is a ghost batch and the
/// objective depends on the chunk size. Only [`commit_step`](Self::commit_step) updates the running statistics.
#[derive(Debug, Clone)]
pub struct FullBatch {
    chunked: ChunkedLoss,
    running: RunningStatistics,
    /// The batch statistics of the first gradient since the last step.
    observed: Vec<Observation>,
    /// The bytes for the saved values of products at one point.
    memory_for_products: u64,
    /// The saved passes of the last trials, for the gradient at one of them.
    trials: Trials,
    footprint: Footprint,
}

/// The default number of bytes for the saved values of products at one point.
const MEMORY_FOR_PRODUCTS: u64 = 1 << 30;

impl FullBatch {
    /// The mean of `loss` over the samples of all `chunks`.
    ///
    /// The objective takes parameters from the points of its evaluations. The parameters of the network are dropped.
    ///
    /// # Panics
    ///
    /// Panics if there are no samples.
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
                threads: None,
            },
        }
    }

    /// Replaces the samples, for example by the next [mini-batch](crate::MiniBatches). The running statistics and the
    /// masks of dropout do not change. Batch statistics since the last step are discarded.
    ///
    /// # Panics
    ///
    /// Panics if there are no samples.
    pub fn set_samples(&mut self, chunks: Vec<Batch>) {
        self.chunked.samples = count(&chunks);
        self.chunked.chunks = chunks;
        self.observed.clear();
        self.trials.clear();
    }

    /// Activates the network's [`Dropout`](crate::Dropout) layers, with random masks from `seed`. The masks change in
    /// [`commit_step`](Self::commit_step) alone, so between two steps the objective is one function.
    pub fn with_dropout(mut self, seed: u64) -> Self {
        self.chunked.dropout = self.chunked.network.has_dropout().then_some(seed);
        self
    }

    /// Processes up to `threads` chunks in parallel, each on its own thread. On a CPU this is faster than parallel
    /// operators, because many operators have too little work or use one thread. The results have the same bits. Every
    /// thread needs the memory of a chunk and, for a gradient, of a vector.
    ///
    /// # Panics
    ///
    /// Panics if the operating system starts no more threads.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.chunked.threads = (threads > 1).then(|| ChunkThreads::new(threads));
        self
    }

    /// Sets the number of bytes in which [`products_at`](Curvature::products_at) saves values that the products share.
    /// The default is 1 GiB. It saves whole chunks, as many as fit by [`Footprint::saved_bytes`]. Products recompute
    /// the values of the other chunks, with the same results.
    pub fn with_memory_for_products(mut self, bytes: u64) -> Self {
        self.memory_for_products = bytes;
        self
    }

    /// Sets the number of bytes in which [`loss`](Objective::loss) saves its forward passes for a gradient at the same
    /// point. The default is 0. It saves the passes of the last two losses, because a line search continues from one of
    /// its last two trials. It saves time if most losses are trials. [Products](Curvature), [other
    /// samples](Self::set_samples) and, with dropout, [`commit_step`](Self::commit_step) drop the passes. The results
    /// have the same bits. Each of the two trials takes a vector besides its passes.
    pub fn with_memory_for_trials(mut self, bytes: u64) -> Self {
        self.trials = Trials::within(bytes);
        self
    }

    /// The network, for passes [at a point](crate::ForwardPass::plain). Its own trainable parameters are NaN.
    pub fn network(&self) -> &Sequence {
        &self.chunked.network
    }

    /// The positions of the parameters in a point.
    pub fn layout(&self) -> &Layout {
        &self.chunked.layout
    }

    /// The running statistics of batch normalization. `None` if the network has no batch normalization.
    pub fn running_statistics(&self) -> Option<&RunningStatistics> {
        (!self.running.is_empty()).then_some(&self.running)
    }

    /// Updates the running statistics with the batch statistics of the first gradient since the last call, which is the
    /// point where the step started. Draws new masks for dropout.
    pub fn commit_step(&mut self) {
        self.chunked.steps += 1;
        if self.chunked.dropout.is_some() {
            self.trials.clear();
        }
        self.running.update(&std::mem::take(&mut self.observed));
    }

    /// The loss and the accuracy at `point`, without dropout. Batch normalization uses the `running` statistics or, if
    /// that is `None`, those of each chunk.
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        whole(self.evaluator(None).evaluate(point, running))
    }

    /// For each activation layer, in the order of a forward pass, the share of its outputs `a` on all samples with
    /// `|a| < threshold`. With dropout, the masks are those of the loss at this step.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        whole(self.evaluator(None).small_activations(point, threshold))
    }

    /// The number of calls of [`commit_step`](Self::commit_step), which selects the masks of dropout.
    pub fn steps(&self) -> u64 {
        self.chunked.steps
    }

    /// Restores the state after `steps` [steps](Self::steps), with the running statistics at that time.
    pub fn resume_after(&mut self, steps: u64, running: RunningStatistics) {
        self.chunked.steps = steps;
        self.running = running;
        self.observed.clear();
        self.trials.clear();
    }

    /// The number of chunks whose saved values fit into `bytes` bytes.
    fn chunks_within(&self, bytes: u64) -> usize {
        let largest = &self.chunked.chunks[0];
        let number = largest.images.dtype().size();
        let of_chunk = self.footprint.saved_bytes(largest.len(), number);
        usize::try_from(bytes / of_chunk.max(1)).unwrap_or(usize::MAX)
    }

    /// The number of chunks whose saved values the products at one point share.
    fn linearized_chunks(&self) -> usize {
        self.chunks_within(self.memory_for_products)
    }

    fn evaluator<'a>(&'a self, flag: Option<&'a AtomicBool>) -> Evaluator<'a> {
        Evaluator::new(&self.chunked, flag)
    }

    /// The loss. Saves the passes for the gradient at this point. `None` if the flag was raised.
    fn interruptible_loss(&mut self, point: &Tensor<1>, flag: Option<&AtomicBool>) -> Option<f64> {
        self.trials.make_room();
        let count = self.chunks_within(self.trials.memory_beside(point));
        let (loss, recorded) = self.evaluator(flag).loss(point, count)?;
        self.trials.save(point, recorded);
        Some(loss)
    }

    /// The loss and the gradient. Saves the batch statistics of the first gradient since the last step. `None` if the
    /// flag was raised.
    fn interruptible_loss_and_gradient(
        &mut self,
        point: &Tensor<1>,
        flag: Option<&AtomicBool>,
    ) -> Option<(f64, Tensor<1>)> {
        let recorded = self.trials.take(point);
        let (loss, gradient, observed) =
            self.evaluator(flag).loss_and_gradient(point, &recorded)?;
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
        whole(self.interruptible_loss(point, None))
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        whole(self.interruptible_loss_and_gradient(point, None))
    }
}

impl Curvature for FullBatch {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        self.trials.clear();
        whole(self.evaluator(None).product(point, direction, &[]))
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        self.trials.clear();
        let evaluator = self.evaluator(None);
        let linearized = whole(evaluator.linearized(point, self.linearized_chunks()));
        Box::new(move |direction| whole(evaluator.product(point, direction, &linearized)))
    }
}

/// The result of an evaluation without a flag.
fn whole<T>(evaluated: Option<T>) -> T {
    evaluated.expect("without a flag no chunk is skipped")
}

/// The number of samples in all chunks.
fn count(chunks: &[Batch]) -> usize {
    let samples = chunks.iter().map(Batch::len).sum();
    assert!(samples > 0, "an objective needs at least one sample");
    samples
}
