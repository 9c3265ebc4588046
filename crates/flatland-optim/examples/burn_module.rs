//! Trains any burn module by a line search, with two closures.
//!
//! ```sh
//! cargo run --release -p flatland-optim --example burn_module
//! ```

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use flatland_optim::module::step_module;
use flatland_optim::{Error, LineSearchConfig};

/// A network with one hidden layer.
#[derive(Module, Debug)]
struct Network {
    hidden: Linear,
    output: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(2, 32).init(device),
            output: LinearConfig::new(32, 1).init(device),
        }
    }

    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.output.forward(self.hidden.forward(inputs).tanh())
    }
}

fn main() -> Result<(), Error> {
    let device = Device::flex();
    device.seed(1);
    let inputs = Tensor::<2>::random([256, 2], Distribution::Uniform(-1.0, 1.0), &device);
    let targets = inputs.clone().prod_dim(1); // x·y, a saddle

    let loss = |network: &Network| {
        let residuals = network.forward(inputs.clone()) - targets.clone();
        residuals.square().mean()
    };
    let mut network = Network::new(&device.autodiff());
    let mut search = LineSearchConfig::nls().init()?;
    let mut losses = Vec::new();
    for iteration in 0..200 {
        let step;
        (network, step) = step_module(
            &mut search,
            network,
            // A trial: plain tensors, no tape.
            |plain| loss(plain).into_scalar(),
            // The gradient: parameters on a tape.
            |taped| {
                let loss = loss(taped);
                let gradients = GradientsParams::from_grads(loss.backward(), taped);
                (loss.into_scalar(), gradients)
            },
        );
        if iteration % 20 == 0 {
            println!(
                "{iteration:4}  loss {:.6}  step size {}",
                step.loss, step.step_size
            );
        }
        losses.push(step.loss);
    }

    let (first, last) = (losses[0], losses[losses.len() - 1]);
    println!("loss {first:.6} → {last:.6}");
    assert!(last < 0.1 * first);
    Ok(())
}
