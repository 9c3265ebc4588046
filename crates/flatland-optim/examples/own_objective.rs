//! Minimizes an objective of your own by NLS, and by LS for comparison.
//!
//! ```sh
//! cargo run --release -p flatland-optim --example own_objective
//! ```

use burn::tensor::activation::{log_sigmoid, sigmoid};
use burn::tensor::{Device, Distribution, Tensor};
use flatland_optim::vector::{axpy, dot};
use flatland_optim::{Error, LineSearchConfig, Method, Objective, Step};

const SAMPLES: usize = 1000;
const FEATURES: usize = 20;

/// Logistic regression, `f(w) = mean log(1 + exp(−y·xᵀw)) + ½·decay·‖w‖²`.
struct LogisticRegression {
    /// `y·x` for each sample, `[samples, features]`.
    rows: Tensor<2>,
    decay: f64,
}

impl LogisticRegression {
    /// The margins `y·xᵀw`, `[samples, 1]`.
    fn margins(&self, point: &Tensor<1>) -> Tensor<2> {
        self.rows.clone().matmul(point.clone().unsqueeze_dim(1))
    }

    fn value(&self, margins: Tensor<2>, point: &Tensor<1>) -> f64 {
        let data = -log_sigmoid(margins).mean().into_scalar::<f64>();
        data + 0.5 * self.decay * dot(point, point)
    }
}

impl Objective for LogisticRegression {
    fn dimension(&self) -> usize {
        FEATURES
    }

    fn loss(&mut self, point: &Tensor<1>) -> f64 {
        self.value(self.margins(point), point)
    }

    fn loss_and_gradient(&mut self, point: &Tensor<1>) -> (f64, Tensor<1>) {
        let margins = self.margins(point);
        let weights = sigmoid(-margins.clone()) / SAMPLES as f64;
        let gradient = -self.rows.clone().transpose().matmul(weights).squeeze_dim(1);
        (
            self.value(margins, point),
            axpy(self.decay, point, &gradient),
        )
    }
}

fn main() -> Result<(), Error> {
    let device = Device::flex();
    device.seed(1);
    let normal = Distribution::Normal(0.0, 1.0);
    let inputs = Tensor::<2>::random([SAMPLES, FEATURES], normal, &device);
    let labels = (inputs.clone().sum_dim(1) + Tensor::random([SAMPLES, 1], normal, &device)).sign();
    let mut objective = LogisticRegression {
        rows: inputs * labels,
        decay: 1e-2,
    };

    let monotone = run(&LineSearchConfig::ls(), &mut objective, &device)?;
    let nonmonotone = run(&LineSearchConfig::nls(), &mut objective, &device)?;
    println!("           LS                   NLS");
    println!("iteration      loss  step size      loss  step size");
    for (iteration, (ls, nls)) in monotone.iter().zip(&nonmonotone).enumerate().step_by(5) {
        println!(
            "{iteration:9}  {:8.5}  {:9}  {:8.5}  {:9}",
            ls.loss, ls.step_size, nls.loss, nls.step_size
        );
    }

    // No step of LS increases the loss. NLS takes larger steps, which may.
    let smallest = |steps: &[Step]| steps.iter().map(|step| step.loss).fold(1.0, f64::min);
    assert!(monotone.is_sorted_by(|before, after| before.loss >= after.loss));
    assert!(smallest(&nonmonotone) < 1.05 * smallest(&monotone));
    Ok(())
}

/// The records of 40 iterations from zero.
fn run(
    config: &LineSearchConfig,
    objective: &mut LogisticRegression,
    device: &Device,
) -> Result<Vec<Step>, Error> {
    let mut method = config.init()?;
    let mut point = Tensor::zeros([FEATURES], device);
    let mut steps = Vec::new();
    for _ in 0..40 {
        let step;
        (point, step) = method.step(objective, point);
        steps.push(step);
    }
    Ok(steps)
}
