//! Images with their labels.

use crate::ChannelNorm;

/// Images with their labels. The samples from [`load`](crate::load) satisfy the conditions of all fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// The pixels, `[samples, channels, height, width]` in row-major order, from 0 to 255.
    pub images: Vec<u8>,
    /// The labels, `[samples]`, from 0 to `classes − 1`.
    pub labels: Vec<u8>,
    /// The channels, the height and the width of an image.
    pub shape: [usize; 3],
    /// The number of classes.
    pub classes: usize,
}

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The number of values in an image.
    pub fn pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of samples of each class.
    ///
    /// # Panics
    ///
    /// Panics if a label is not below `classes`.
    pub fn class_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.classes];
        for &label in &self.labels {
            sizes[usize::from(label)] += 1;
        }
        sizes
    }

    /// The normalized pixels, `(x/255 − mean)/std` in each channel.
    ///
    /// # Shapes
    ///
    /// - output: `[samples, channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if the length of `norm` is not the number of channels.
    pub fn normalized_f64(&self, norm: &[ChannelNorm]) -> Vec<f64> {
        self.normalized(norm, |value| value)
    }

    /// The normalized pixels of [`normalized_f64`](Self::normalized_f64), rounded once.
    ///
    /// # Panics
    ///
    /// Panics if the length of `norm` is not the number of channels.
    pub fn normalized_f32(&self, norm: &[ChannelNorm]) -> Vec<f32> {
        self.normalized(norm, |value| value as f32)
    }

    fn normalized<T: Copy>(&self, norm: &[ChannelNorm], round: impl Fn(f64) -> T) -> Vec<T> {
        let [channels, height, width] = self.shape;
        assert_eq!(channels, norm.len(), "a norm for each channel");
        let tables: Vec<[T; 256]> = (norm.iter())
            .map(|norm| {
                std::array::from_fn(|pixel| round((pixel as f64 / 255.0 - norm.mean) / norm.std))
            })
            .collect();
        let planes = self.images.chunks_exact(height * width);
        (planes.zip(tables.iter().cycle()))
            .flat_map(|(plane, table)| plane.iter().map(|&pixel| table[usize::from(pixel)]))
            .collect()
    }

    /// Whether the number of pixels matches the number of labels, and every label is below `classes`.
    #[cfg(test)]
    pub(crate) fn is_consistent(&self) -> bool {
        let labels = self.labels.iter();
        !self.is_empty()
            && self.images.len() == self.len() * self.pixels()
            && labels
                .copied()
                .all(|label| usize::from(label) < self.classes)
    }

    /// The samples with these indices, in this order.
    pub(crate) fn at(&self, places: &[usize]) -> Self {
        let pixels = self.pixels();
        let image = |&place: &usize| &self.images[place * pixels..][..pixels];
        Self {
            images: places.iter().flat_map(image).copied().collect(),
            labels: places.iter().map(|&place| self.labels[place]).collect(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_own_norm() {
        let samples = Samples {
            images: vec![0, 255, 51, 102, 0, 0, 255, 255],
            labels: vec![0, 1],
            shape: [2, 1, 2],
            classes: 2,
        };
        let norm = [
            ChannelNorm {
                mean: 0.5,
                std: 0.25,
            },
            ChannelNorm {
                mean: 0.0,
                std: 0.5,
            },
        ];
        let expected = [-2.0, 2.0, 0.4, 0.8, -2.0, -2.0, 2.0, 2.0];
        let found = samples.normalized_f64(&norm);
        assert_eq!(found.len(), expected.len());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-15),
            "{found:?}"
        );
        let rounded: Vec<f32> = found.iter().map(|&value| value as f32).collect();
        assert_eq!(samples.normalized_f32(&norm), rounded);
    }
}
