//! The mean loss over a set of samples, in chunks.

mod sweep;
mod unless;

use std::sync::atomic::AtomicBool;

use burn::module::Module;
use burn::tensor::{DType, Device, Element, Int, Tensor, TensorData};
use flatland_optim::{Curvature, Objective, Products};

use crate::initializer::Emptier;
use crate::lanes::Lanes;
use crate::running::Observation;
use crate::{Footprint, InputShape, Layout, Loss, RunningStatistics, Sequence};
use sweep::Sweep;
pub use unless::Unless;

/// Images that go through a network together, with what they show.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, channels, height, width]`
    pub(crate) images: Tensor<4>,
    /// `[batch, classes]`, one-hot.
    pub(crate) targets: Tensor<2>,
    /// `[batch]`
    pub(crate) labels: Tensor<1, Int>,
}

impl Batch {
    /// Uploads samples in chunks of at most `chunk`, all but the last of that size, in the order given.
    ///
    /// # Shapes
    ///
    /// - images: `[samples, channels, height, width]`, row by row
    /// - labels: `[samples]`
    ///
    /// # Panics
    ///
    /// Where the number of pixels does not fit the labels, a label is not below `classes`, or `chunk` is zero.
    pub fn chunks<E: Element>(
        images: &[E],
        shape: InputShape,
        labels: &[u8],
        classes: usize,
        chunk: usize,
        device: &Device,
        dtype: DType,
    ) -> Vec<Self> {
        let InputShape {
            channels,
            height,
            width,
        } = shape;
        let pixels = channels * height * width;
        assert_eq!(
            images.len(),
            labels.len() * pixels,
            "pixels for every label"
        );
        (images.chunks(chunk * pixels).zip(labels.chunks(chunk)))
            .map(|(images, labels)| {
                let batch = labels.len();
                let images = TensorData::new(images.to_vec(), [batch, channels, height, width]);
                let mut targets = vec![0.0f32; batch * classes];
                for (row, &label) in targets.chunks_mut(classes).zip(labels) {
                    row[usize::from(label)] = 1.0;
                }
                let targets = TensorData::new(targets, [batch, classes]);
                let labels = labels.iter().map(|&label| i32::from(label)).collect();
                Self {
                    images: Tensor::from_data(images, (device, dtype)),
                    targets: Tensor::from_data(targets, (device, dtype)),
                    labels: Tensor::from_data(TensorData::new::<i32, _>(labels, [batch]), device),
                }
            })
            .collect()
    }

    /// The number of samples.
    pub(crate) fn len(&self) -> usize {
        self.labels.dims()[0]
    }
}

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
    }

    /// Lets the network's [`Dropout`](crate::Dropout) layers drop entries, at random by `seed`. The masks change with
    /// [`commit_step`](Self::commit_step) alone: until then the objective is one smooth function.
    pub fn with_dropout(mut self, seed: u64) -> Self {
        self.dropout = Some(seed);
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
        self.running.update(&std::mem::take(&mut self.observed));
    }

    /// The loss and the accuracy at `point`, where batch normalization takes the statistics of the batch, or `running`
    /// ones. Nothing is dropped.
    pub fn evaluate(&self, point: &Tensor<1>, running: Option<&RunningStatistics>) -> Evaluation {
        whole(self.sweep(None).evaluate(point, running))
    }

    /// For each activation layer, in the order in which a pass comes through them, the share of its outputs `a` on all
    /// samples with `|a| < threshold`. With dropout, its masks are those of the loss at this step.
    pub fn small_activations(&self, point: &Tensor<1>, threshold: f64) -> Vec<f64> {
        whole(self.sweep(None).small_activations(point, threshold))
    }

    /// The same objective as long as `flag` is not raised.
    pub fn unless<'a>(&'a mut self, flag: &'a AtomicBool) -> Unless<'a> {
        Unless::new(self, flag)
    }

    /// How often [`commit_step`](Self::commit_step) was called: what the masks of dropout depend on.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Goes on as after so many [steps](Self::steps), with the running statistics that there were then.
    pub fn go_on_after(&mut self, steps: u64, running: RunningStatistics) {
        self.steps = steps;
        self.running = running;
        self.observed.clear();
    }

    /// How many chunks fit into the memory for what products at one point have in common.
    fn chunks_to_keep(&self) -> usize {
        let largest = &self.chunks[0];
        let number = largest.images.dtype().size();
        let of_chunk = self.footprint.kept_bytes(largest.len(), number);
        usize::try_from(self.memory_for_products / of_chunk.max(1)).unwrap_or(usize::MAX)
    }

    fn sweep<'a>(&'a self, flag: Option<&'a AtomicBool>) -> Sweep<'a> {
        Sweep::new(self, flag)
    }

    /// Keeps what normalization saw at the first gradient since the last step.
    fn note(&mut self, observed: Vec<Observation>) {
        if self.observed.is_empty() {
            self.observed = observed;
        }
    }
}

impl Objective for FullBatch {
    fn dimension(&self) -> usize {
        self.layout.dimension()
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        whole(self.sweep(None).loss(point))
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let (loss, gradient, observed) = whole(self.sweep(None).loss_and_gradient(point));
        self.note(observed);
        (loss, gradient)
    }
}

impl Curvature for FullBatch {
    fn hvp(&mut self, point: &Tensor<1>, direction: &Tensor<1>) -> Tensor<1> {
        whole(self.sweep(None).product(point, direction, &[]))
    }

    fn products_at<'a>(&'a mut self, point: &'a Tensor<1>) -> Products<'a> {
        let sweep = self.sweep(None);
        let kept = whole(sweep.linearized(point));
        Box::new(move |direction| whole(sweep.product(point, direction, &kept)))
    }
}

/// What a sweep that nothing stops returns.
fn whole<T>(swept: Option<T>) -> T {
    swept.expect("without a flag no chunk is left out")
}

/// The samples of all chunks, of which there must be some.
fn count(chunks: &[Batch]) -> usize {
    let samples = chunks.iter().map(Batch::len).sum();
    assert!(samples > 0, "an objective needs at least one sample");
    samples
}
