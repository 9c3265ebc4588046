//! Samples on the device.

use burn::tensor::{DType, Device};
use flatland_data::{Dataset, Samples};
use flatland_models::Batch;

use crate::cell::FloatType;
use crate::grid::input_shape;

/// Normalizes samples as their data set asks, in the float type that is computed in, and uploads them in chunks of at
/// most `chunk`.
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
