//! The concatenation of channels, and its inverse.

use burn::tensor::{Shape, Tensor};

use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};
use crate::fresh::in_chunks;

/// Concatenates the channels of two batches of images.
///
/// # Shapes
///
/// - first: `[batch, channels, height, width]`
/// - second: `[batch, more, height, width]`
/// - output: `[batch, channels + more, height, width]`
///
/// # Panics
///
/// Panics if the other sizes differ.
pub fn cat_channels(first: Tensor<4>, second: Tensor<4>) -> Tensor<4> {
    let ([batch, channels, height, width], [images, more, rows, columns]) =
        (first.dims(), second.dims());
    assert_eq!(
        [batch, height, width],
        [images, rows, columns],
        "images of one size and number"
    );
    if !is_plain(&first) {
        return Tensor::cat(vec![first, second], 1);
    }
    let pixels = height * width;
    let lengths = [channels * pixels, more * pixels];
    let (first, second) = (reading(&first), reading(&second));
    let shape = Shape::from([batch, channels + more, height, width]);
    let image: usize = lengths.iter().sum();
    tensor(for_type!(first, T => {
        let parts = [T::numbers(&first), T::numbers(&second)];
        let all = in_chunks(batch * image, image.max(1), || (), |(), index, image| {
            let (front, back) = image.split_at_mut(lengths[0]);
            for ((target, part), length) in [front, back].into_iter().zip(parts).zip(lengths) {
                target.copy_from_slice(&part[index * length..][..length]);
            }
        });
        T::tensor(all, shape)
    }))
}

/// Splits images after their first `channels` channels, the inverse of [`cat_channels`].
///
/// # Shapes
///
/// - images: `[batch, all, height, width]`
/// - output: `[batch, channels, height, width]` and `[batch, all − channels, height, width]`
///
/// # Panics
///
/// Panics if there are fewer channels.
pub fn split_channels(images: Tensor<4>, channels: usize) -> [Tensor<4>; 2] {
    let [batch, all, height, width] = images.dims();
    assert!(
        channels <= all,
        "{channels} of {all} channels cannot be split off"
    );
    let ranges = [0..channels, channels..all];
    if !is_plain(&images) {
        return ranges.map(|range| images.clone().slice_dim(1, range));
    }
    let images = reading(&images);
    let pixels = height * width;
    ranges.map(|range| {
        let (start, length) = (range.start * pixels, range.len() * pixels);
        let shape = Shape::from([batch, range.len(), height, width]);
        tensor(for_type!(images, T => {
            let images = T::numbers(&images);
            let part = in_chunks(batch * length, length.max(1), || (), |(), index, part| {
                part.copy_from_slice(&images[index * all * pixels + start..][..length]);
            });
            T::tensor(part, shape)
        }))
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution};

    use super::*;

    #[test]
    fn channels_are_concatenated_and_split_as_burn_does() {
        let device = Device::flex();
        for dtype in [DType::F32, DType::F64] {
            for (channels, more, [height, width]) in
                [(1, 1, [1, 1]), (3, 5, [2, 3]), (64, 32, [8, 8])]
            {
                let random = |channels| {
                    let shape = [4, channels, height, width];
                    Tensor::<4>::random(shape, Distribution::Default, (&device, dtype))
                };
                let parts = [random(channels), random(more)];
                // Tensors that are not contiguous, too.
                let turned = parts.clone().map(|part| part.swap_dims(2, 3));
                for [first, second] in [parts, turned] {
                    let expected = Tensor::cat(vec![first.clone(), second.clone()], 1);
                    let all = cat_channels(first.clone(), second.clone());
                    all.to_data().assert_eq(&expected.to_data(), true);
                    let apart = split_channels(expected, channels);
                    for (part, expected) in apart.iter().zip([first, second]) {
                        part.to_data().assert_eq(&expected.to_data(), true);
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "images of one size and number")]
    fn images_of_two_sizes_are_refused() {
        let device = Device::flex();
        cat_channels(
            Tensor::zeros([1, 2, 3, 3], &device),
            Tensor::zeros([1, 2, 4, 3], &device),
        );
    }
}
