//! The spectrum of the Hessian of a network's loss over a full batch.
//!
//! ```sh
//! cargo run --release -p flatland-models --example full_batch
//! ```

use burn::tensor::{DType, Device};
use flatland_models::{Architecture, Batch, FullBatch, Initializer, InputShape, Loss};
use flatland_optim::module::flatten;
use flatland_optim::{Curvature, Objective};
use flatland_sharpness::{
    Hessian, LanczosConfig, SpectralDensityConfig, TraceConfig, Wanted, eigenpairs,
    spectral_density, trace,
};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 8,
    width: 8,
};
const CLASSES: usize = 10;
const SAMPLES: usize = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = Device::flex();
    let mut stream = flatland_random::stream(1, "images", 0);
    let images: Vec<f64> = (0..SAMPLES * 64)
        .map(|_| flatland_random::normal(&mut stream))
        .collect();
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % CLASSES) as u8).collect();
    let chunks = Batch::chunks(&images, SHAPE, &labels, CLASSES, 100, &device, DType::F64);
    let mut initializer = Initializer::new(1, &device, DType::F64);
    let network = Architecture::named("mlp")?.init(SHAPE, CLASSES, &mut initializer)?;
    let point = flatten(&network);
    let mut objective = FullBatch::new(network, Loss::Mse, chunks);
    println!("{} parameters", objective.dimension());

    let mut hessian = Hessian::new(&mut objective, &point);
    let wanted = Wanted::Ends {
        largest: 5,
        smallest: 1,
    };
    let config = LanczosConfig::new().with_tolerance(1e-6);
    let pairs = eigenpairs(&mut hessian, wanted, &config, &[])?;
    for (value, residual) in pairs.values.iter().zip(&pairs.residuals) {
        println!("eigenvalue {value:9.6} ± {residual:.1e}");
    }
    let estimate = trace(&mut hessian, &TraceConfig::new())?;
    println!(
        "trace {:.3} ± {:.3}",
        estimate.value, estimate.standard_error
    );
    let density = spectral_density(&mut hessian, &SpectralDensityConfig::new())?;
    let negative = density.mean(|value| f64::from(value < -1e-3));
    println!(
        "{:.1}% of the eigenvalues are below −0.001",
        100.0 * negative
    );
    drop(hessian);

    // λ₁ is the curvature along its eigenvector.
    let curvature = objective.curvature_along(&point, &pairs.vectors[0]);
    assert!(pairs.converged && (curvature - pairs.values[0]).abs() < 1e-6);
    Ok(())
}
