//! A network with its samples, and the timed tasks.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::{DType, Device, Tensor, TensorData};
use flatland_models::{
    Architecture, Batch, FullBatch, Initializer, InputShape, Loss, MlpConfig, Norm, ResNetConfig,
    save_weights,
};
use flatland_optim::module::flatten;
use flatland_optim::vector::{dot, norm};
use flatland_optim::{Curvature, LineSearch, LineSearchConfig, Method, Objective, Outcome};
use flatland_sharpness::{Hessian, LanczosConfig, sharpness};
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::{Value, json};

const SHAPE: InputShape = InputShape {
    channels: 3,
    height: 32,
    width: 32,
};
const PIXELS: usize = SHAPE.channels * SHAPE.height * SHAPE.width;
const CLASSES: usize = 10;
const SEED: u64 = 42;
/// The number of iterations that are timed together, for an average number of trials.
const ITERATIONS: usize = 10;

/// A timed task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedTask {
    /// A product of two matrices of 1024 rows and columns, as a measure of the cores.
    Matrix,
    /// The loss and its gradient.
    Gradient,
    /// A Hessian-vector product.
    Product,
    /// A Hessian-vector product from the saved values of the point.
    Further,
    /// Iterations of NLS from the prepared point and state. The time is the mean of one iteration.
    Iteration,
    /// The largest eigenvalue of the Hessian to a residual of 1e-3.
    Sharpness {
        /// The seed of the random start vector.
        seed: u64,
    },
}

impl TimedTask {
    /// Parses `matrix`, `gradient`, `product`, `further`, `iteration` or `sharpness SEED`.
    ///
    /// # Errors
    ///
    /// Returns an error for other words.
    pub fn parse(words: &[&str]) -> Result<Self> {
        match words {
            ["gradient"] => Ok(Self::Gradient),
            ["matrix"] => Ok(Self::Matrix),
            ["product"] => Ok(Self::Product),
            ["further"] => Ok(Self::Further),
            ["iteration"] => Ok(Self::Iteration),
            ["sharpness", seed] => Ok(Self::Sharpness {
                seed: seed.parse().context("SEED is a whole number")?,
            }),
            _ => bail!(
                "the tasks are matrix, gradient, product, further, iteration and sharpness SEED, but not {words:?}"
            ),
        }
    }
}

/// A network at a point, with its samples.
pub struct Subject {
    architecture: Architecture,
    objective: FullBatch,
    point: Tensor<1>,
    search: LineSearch,
    samples: usize,
    chunk: usize,
    threads: usize,
    /// The direction of products, drawn on demand.
    direction: Option<Tensor<1>>,
}

impl Subject {
    /// Builds a network with random images and trains it by NLS. The default chunk is the network's. With batch
    /// normalization, on which the objective depends, it is all samples.
    ///
    /// # Errors
    ///
    /// Returns an error for an unknown network, without samples, for an empty chunk, or if the search fails.
    pub fn prepare(
        network: &str,
        samples: usize,
        iterations: usize,
        chunk: Option<usize>,
    ) -> Result<Self> {
        ensure!(samples > 0, "SAMPLES must be at least 1");
        let architecture = architecture(network)?;
        let default_chunk = match architecture {
            Architecture::Densenet121(_)
            | Architecture::Resnet34(_)
            | Architecture::WideResnet50(_) => samples,
            _ => architecture.default_chunk().min(samples),
        };
        let chunk = chunk.unwrap_or(default_chunk);
        ensure!(chunk > 0, "CHUNK must be at least 1");

        let device = Device::flex();
        let mut initializer = Initializer::new(SEED, &device, DType::F32);
        let network = architecture.init(SHAPE, CLASSES, &mut initializer)?;
        let point = flatten(&network);
        let (images, labels) = (images(samples), labels(samples));
        let batches = Batch::chunks(&images, SHAPE, &labels, CLASSES, chunk, &device, DType::F32);
        let threads = rayon::current_num_threads();
        let mut subject = Self {
            architecture,
            objective: FullBatch::new(network, Loss::Mse, batches).with_threads(threads),
            point,
            search: LineSearchConfig::nls().init()?,
            samples,
            chunk,
            threads,
            direction: None,
        };
        (subject.point, subject.search, _) = subject.iterate(iterations)?;
        Ok(subject)
    }

    /// The number of parameters, the chunk and the number of threads.
    pub fn describe(&self) -> Value {
        json!({
            "parameters": self.objective.dimension(),
            "chunk": self.chunk,
            "threads": self.threads,
        })
    }

    /// Writes the inputs of the other side: `weights.safetensors` and `direction.safetensors` with PyTorch's names,
    /// `samples.safetensors` with `images` and one-hot `targets`, and `search.json`.
    ///
    /// # Errors
    ///
    /// Returns an error if the files cannot be written.
    pub fn write(&mut self, directory: &Path) -> Result<()> {
        let direction = self.ready_direction();
        for (name, vector) in [("weights", &self.point), ("direction", &direction)] {
            let path = directory.join(name).with_extension("safetensors");
            save_weights(&path, self.objective.network(), vector, None)?;
        }
        let images = bytes(&images(self.samples));
        let mut targets = vec![0.0; self.samples * CLASSES];
        for (row, label) in targets.chunks_mut(CLASSES).zip(labels(self.samples)) {
            row[usize::from(label)] = 1.0;
        }
        let targets = bytes(&targets);
        let image_shape = vec![self.samples, SHAPE.channels, SHAPE.height, SHAPE.width];
        let target_shape = vec![self.samples, CLASSES];
        let tensors = [
            ("images", TensorView::new(Dtype::F32, image_shape, &images)?),
            (
                "targets",
                TensorView::new(Dtype::F32, target_shape, &targets)?,
            ),
        ];
        serialize_to_file(tensors, None, &directory.join("samples.safetensors"))?;
        let state = serde_json::to_vec(self.search.state())?;
        std::fs::write(directory.join("search.json"), state)?;
        Ok(())
    }

    /// The numbers that both sides compare.
    pub fn check(&mut self) -> Value {
        let direction = self.ready_direction();
        check(&mut self.objective, &self.point, &direction)
    }

    /// The numbers that both sides compare, in double precision at the same point.
    ///
    /// # Errors
    ///
    /// Returns an error under the conditions of [`prepare`](Self::prepare).
    pub fn check_in_double(&mut self) -> Result<Value> {
        let direction = self.ready_direction().cast(DType::F64);
        let point = self.point.clone().cast(DType::F64);
        let device = point.device();
        let mut initializer = Initializer::without_values(&device, DType::F64);
        let network = (self.architecture).init(SHAPE, CLASSES, &mut initializer)?;
        let (images, labels) = (images(self.samples), labels(self.samples));
        let batches = Batch::chunks(
            &images,
            SHAPE,
            &labels,
            CLASSES,
            self.chunk,
            &device,
            DType::F64,
        );
        let objective = FullBatch::new(network, Loss::Mse, batches);
        let mut objective = objective.with_threads(self.threads);
        Ok(check(&mut objective, &point, &direction))
    }

    /// Prepares the inputs of a task, which are not timed.
    pub fn make_ready(&mut self, task: TimedTask) {
        if matches!(task, TimedTask::Product | TimedTask::Further) {
            self.ready_direction();
        }
    }

    fn ready_direction(&mut self) -> Tensor<1> {
        let draw = || {
            let entries = normals("direction", self.objective.dimension());
            let length = entries.len();
            let data = TensorData::new(entries, [length]);
            Tensor::from_data(data, (&self.point.device(), DType::F32))
        };
        self.direction.get_or_insert_with(draw).clone()
    }

    /// Runs the task once. Returns its time and other results.
    ///
    /// # Errors
    ///
    /// Returns an error if a search fails or a measurement does not converge.
    pub fn run(&mut self, task: TimedTask) -> Result<Value> {
        self.make_ready(task);
        let start = Instant::now();
        let milliseconds = || start.elapsed().as_secs_f64() * 1e3;
        Ok(match task {
            TimedTask::Matrix => {
                let size = [MATRIX, MATRIX];
                let matrix = Tensor::<2>::ones(size, (&self.point.device(), DType::F32));
                let start = Instant::now();
                matrix.clone().matmul(matrix);
                json!({"milliseconds": start.elapsed().as_secs_f64() * 1e3})
            }
            TimedTask::Gradient => {
                self.objective.loss_and_gradient(&self.point);
                json!({"milliseconds": milliseconds()})
            }
            TimedTask::Product => {
                let direction = self.direction.as_ref().expect("it is ready");
                self.objective.hvp(&self.point, direction);
                json!({"milliseconds": milliseconds()})
            }
            TimedTask::Further => {
                let direction = self.direction.as_ref().expect("it is ready");
                let mut products = self.objective.products_at(&self.point);
                let start = Instant::now();
                products(direction);
                json!({"milliseconds": start.elapsed().as_secs_f64() * 1e3})
            }
            TimedTask::Iteration => {
                let (_, _, trials) = self.iterate(ITERATIONS)?;
                let count = ITERATIONS as f64;
                json!({
                    "milliseconds": milliseconds() / count,
                    "trials": f64::from(trials) / count,
                })
            }
            TimedTask::Sharpness { seed } => {
                let config = LanczosConfig::new().with_seed(seed);
                let mut hessian = Hessian::new(&mut self.objective, &self.point);
                let found = sharpness(&mut hessian, &config, None)?;
                ensure!(found.converged, "the sharpness has not converged");
                json!({
                    "milliseconds": milliseconds(),
                    "eigenvalue": found.lambda_max,
                    "products": found.products,
                })
            }
        })
    }

    /// The point and the search after `iterations` iterations from the prepared point, and the number of trials.
    fn iterate(&mut self, iterations: usize) -> Result<(Tensor<1>, LineSearch, u32)> {
        let mut search = self.search.clone();
        let mut point = self.point.clone();
        let mut objective = (self.objective.clone()).with_memory_for_trials(MEMORY_FOR_TRIALS);
        let mut trials = 0;
        for iteration in 0..iterations {
            let step;
            (point, step) = search.step(&mut objective, point);
            ensure!(
                step.outcome == Outcome::Stepped,
                "iteration {iteration} ended with {:?}",
                step.outcome
            );
            trials += step.trials;
        }
        Ok((point, search, trials))
    }
}

/// The bytes for saved passes of trials.
const MEMORY_FOR_TRIALS: u64 = 1 << 30;

/// The rows and columns of the matrices in [`TimedTask::Matrix`].
const MATRIX: usize = 1024;

/// The loss, the norms of gradient and product, and their inner product.
fn check(objective: &mut FullBatch, point: &Tensor<1>, direction: &Tensor<1>) -> Value {
    let (loss, gradient) = objective.loss_and_gradient(point);
    let product = objective.hvp(point, direction);
    json!({
        "loss": loss,
        "gradient_norm": norm(&gradient),
        "product_norm": norm(&product),
        "curvature": dot(&gradient, &product),
    })
}

/// The network with the options of the race.
fn architecture(name: &str) -> Result<Architecture> {
    let normalized = || ResNetConfig {
        norm: Norm::Batch,
        ..ResNetConfig::default()
    };
    Ok(match Architecture::named(name)? {
        Architecture::Mlp(_) => Architecture::Mlp(MlpConfig {
            widths: vec![200, 200],
            ..MlpConfig::default()
        }),
        Architecture::Resnet34(_) => Architecture::Resnet34(normalized()),
        Architecture::WideResnet50(_) => Architecture::WideResnet50(normalized()),
        other => other,
    })
}

fn images(samples: usize) -> Vec<f32> {
    normals("images", samples * PIXELS)
}

fn labels(samples: usize) -> Vec<u8> {
    (0..samples).map(|index| (index % CLASSES) as u8).collect()
}

fn normals(purpose: &str, count: usize) -> Vec<f32> {
    let mut stream = flatland_random::stream(SEED, purpose, 0);
    (0..count)
        .map(|_| flatland_random::normal(&mut stream) as f32)
        .collect()
}

fn bytes(entries: &[f32]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|entry| entry.to_le_bytes())
        .collect()
}
