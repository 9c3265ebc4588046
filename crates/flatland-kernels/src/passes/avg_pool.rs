//! Average pooling and its gradient. The tangent of the output is the average pooling of the tangent.

use std::ops::Range;

use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Shape, Tensor, module};

use super::maps::{map, map_by_map};
use crate::convolve::reverse;
use crate::flex::{is_plain, reading, tensor};
use crate::float::{Float, for_type};

/// The windows of [`avg_pool2d`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// Windows of `kernel × kernel` pixels, `stride` pixels apart. Windows that reach past an edge are omitted.
    Sliding {
        /// The height and width of a window.
        kernel: usize,
        /// The distance between neighbouring windows, in pixels.
        stride: usize,
    },
    /// A grid of `size × size` windows that cover the image, as in adaptive average pooling.
    Grid {
        /// The number of windows in each direction.
        size: usize,
    },
}

impl Windows {
    /// The windows along an axis of `pixels` pixels.
    fn along(self, pixels: usize) -> Vec<Range<usize>> {
        match self {
            Self::Sliding { kernel, stride } => {
                assert!(kernel > 0 && stride > 0, "{self:?} has no windows");
                let starts = (0..=pixels.saturating_sub(kernel)).step_by(stride);
                let windows = starts.map(|start| start..start + kernel);
                windows.take_while(|window| window.end <= pixels).collect()
            }
            Self::Grid { size } => {
                assert!(pixels > 0, "{self:?} has no pixels");
                let window =
                    |index: usize| index * pixels / size..((index + 1) * pixels).div_ceil(size);
                (0..size).map(window).collect()
            }
        }
    }

    /// The average pooling by burn's operators.
    fn stock(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Sliding { kernel, stride } => {
                let options = AvgPoolOptions::new([kernel; 2]).with_stride([stride; 2]);
                module::avg_pool2d(x, options)
            }
            Self::Grid { size } => module::adaptive_avg_pool2d(x, [size; 2]),
        }
    }
}

/// Average pooling: the mean of each window.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`
/// - output: `[batch, channels, height_out, width_out]`, the number of windows in each direction
///
/// # Panics
///
/// Panics if a window has no pixels, or if the stride is 0.
pub fn avg_pool2d(x: Tensor<4>, windows: Windows) -> Tensor<4> {
    if !is_plain(&x) {
        return windows.stock(x);
    }
    let [batch, channels, height, width] = x.dims();
    let [rows, columns] = [height, width].map(|pixels| windows.along(pixels));
    let shape = Shape::from([batch, channels, rows.len(), columns.len()]);
    let (pixels, pixels_out) = (height * width, rows.len() * columns.len());
    let x = reading(&x);
    tensor(for_type!(x, T => {
        let x = T::numbers(&x);
        let means = map_by_map(batch * channels, pixels_out, pixels, |means, index| {
            let x = map(x, index, pixels);
            for (window, mean) in each(&rows, &columns).zip(means) {
                let mut sum = T::default();
                for row in window.0.clone() {
                    for number in &x[row * width..][window.1.clone()] {
                        sum += *number;
                    }
                }
                *mean = sum * share::<T>(window);
            }
        });
        T::tensor(means, shape)
    }))
}

/// The gradient at the input of [`avg_pool2d`]: each gradient is distributed evenly over its window.
///
/// # Shapes
///
/// - gradient: `[batch, channels, height_out, width_out]`
/// - size: the height and the width of the input
/// - output: `[batch, channels, height, width]`
///
/// # Panics
///
/// Panics if an input of this size does not have a window for each gradient.
pub fn avg_pool2d_gradient(gradient: Tensor<4>, windows: Windows, size: [usize; 2]) -> Tensor<4> {
    let [batch, channels, height, width] = gradient.dims();
    let [rows, columns] = size.map(|pixels| windows.along(pixels));
    assert_eq!(
        [height, width],
        [rows.len(), columns.len()],
        "each gradient has a window in {size:?} pixels"
    );
    let shape = [batch, channels, size[0], size[1]];
    if !is_plain(&gradient) {
        let point = Tensor::zeros(shape, (&gradient.device(), gradient.dtype()));
        return reverse(&gradient, point, |x| windows.stock(x));
    }
    let (pixels, pixels_out) = (size[0] * size[1], height * width);
    let gradient = reading(&gradient);
    tensor(for_type!(gradient, T => {
        let gradient = T::numbers(&gradient);
        let spread = map_by_map(batch * channels, pixels, pixels_out, |x, index| {
            let gradient = map(gradient, index, pixels_out);
            for (window, gradient) in each(&rows, &columns).zip(gradient) {
                let part = *gradient * share::<T>(window);
                for row in window.0.clone() {
                    for number in &mut x[row * size[1]..][window.1.clone()] {
                        *number += part;
                    }
                }
            }
        });
        T::tensor(spread, Shape::from(shape))
    }))
}

type Window<'a> = (&'a Range<usize>, &'a Range<usize>);

/// All windows in row-major order.
fn each<'a>(
    rows: &'a [Range<usize>],
    columns: &'a [Range<usize>],
) -> impl Iterator<Item = Window<'a>> {
    (rows.iter()).flat_map(|row| columns.iter().map(move |column| (row, column)))
}

/// The weight of a pixel in the mean of its window.
fn share<T: Float>((rows, columns): Window<'_>) -> T {
    T::from_f64(1.0 / (rows.len() * columns.len()) as f64)
}
