//! Batches of samples on a device.

use burn::tensor::{DType, Device, Element, Int, Tensor, TensorData};

use crate::InputShape;

/// Images with their labels, which a network processes together.
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
    /// Uploads samples in chunks of `chunk` samples, in the given order. The last chunk may be smaller.
    ///
    /// # Shapes
    ///
    /// - images: `[samples, channels, height, width]`, row by row
    /// - labels: `[samples]`
    ///
    /// # Panics
    ///
    /// Panics if the number of pixels does not match the number of labels, if a label is not below `classes`, or if
    /// `chunk` is 0.
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
