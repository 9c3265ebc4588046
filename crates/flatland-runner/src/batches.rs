//! Samples on the device.

use burn::tensor::{DType, Device};
use flatland_config::{FloatType, input_shape};
use flatland_data::{Dataset, Samples};
use flatland_models::Batch;

/// Normalizes samples with the statistics of their data set, in the float type of the run, and uploads them in chunks
/// of at most `chunk` samples.
pub fn upload(
    samples: &Samples,
    dataset: Dataset,
    chunk: usize,
    device: &Device,
    float: FloatType,
) -> Vec<Batch> {
    let (norm, shape, classes) = (
        dataset.normalization(),
        input_shape(dataset),
        dataset.classes(),
    );
    let (labels, dtype) = (&samples.labels, DType::from(float));
    match float {
        FloatType::F32 => {
            let images = samples.normalized_f32(norm);
            Batch::chunks(&images, shape, labels, classes, chunk, device, dtype)
        }
        FloatType::F64 => {
            let images = samples.normalized_f64(norm);
            Batch::chunks(&images, shape, labels, classes, chunk, device, dtype)
        }
    }
}
