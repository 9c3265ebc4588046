//! Max pooling, with the places of the maxima.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Bytes, DType, Int, Shape, Tensor, module};
use burn_flex::{FlexTensor, Layout};
use pulp::Arch;
use rayon::prelude::*;

use crate::conv2d::{Geometry, first_pixel};
use crate::flex::{in_order, is_own};
use crate::float::Float;
use crate::fresh::zeros;

/// Max pooling: the largest value of each window, and its place in the channel in row-major order. If several values
/// are equal, the first one is selected. Padding counts as `−∞`, and a window with a NaN has the value NaN.
///
/// On flex, for `f32` and `f64` and padding up to half the kernel, this crate computes the output. The gradient, and
/// all other cases, are those of [`burn::tensor::module::max_pool2d_with_indices`].
///
/// # Shapes
///
/// - input: `[batch, channels, height, width]`
/// - outputs: `[batch, channels, height_out, width_out]`, with the sizes of [`conv2d`](crate::conv2d)
///
/// # Panics
///
/// Panics if the input is empty, if the stride is 0, or if the kernel is larger than the padded image.
pub fn max_pool2d(
    input: Tensor<4>,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> (Tensor<4>, Tensor<4, Int>) {
    if !is_own(&input) || 2 * padding > kernel {
        let options = MaxPoolOptions::new([kernel; 2])
            .with_stride([stride; 2])
            .with_padding([padding; 2]);
        return module::max_pool2d_with_indices(input, options);
    }
    let (output, winners) = Dispatch::max_pool(input.into_dispatch(), kernel, stride, padding);
    (
        Tensor::from_dispatch(output),
        Tensor::from_dispatch(winners),
    )
}

/// The smallest number of pixels of a task.
const TASK: usize = 1 << 13;

/// The operator for burn's dispatch, which panics on other backends.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait MaxPool: Backend {
    fn max_pool(
        input: FloatTensor<Self>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> (FloatTensor<Self>, IntTensor<Self>);
}

impl MaxPool for Flex {
    fn max_pool(
        input: FlexTensor,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> (FlexTensor, FlexTensor) {
        let input = in_order(input);
        let shape: [usize; 4] = input.layout().shape().dims();
        let weight = [1, shape[1], kernel, kernel];
        let geometry = Geometry::new(shape, weight, stride, padding);
        let output = Shape::from([shape[0], shape[1], geometry.output[0], geometry.output[1]]);
        let (values, winners) = match input.dtype() {
            DType::F32 => pool::<f32>(&geometry, &input, output.clone()),
            DType::F64 => pool::<f64>(&geometry, &input, output.clone()),
            other => unreachable!("max_pool2d leaves {other:?} to burn"),
        };
        let winners = FlexTensor::new(
            Bytes::from_elems(winners),
            Layout::contiguous(output),
            DType::I64,
        );
        (values, winners)
    }
}

fn pool<T: Float>(geometry: &Geometry, input: &FlexTensor, shape: Shape) -> (FlexTensor, Vec<i64>) {
    let numbers = geometry.batch * geometry.channels_in * geometry.pixels_out();
    let mut values = zeros::<T>(numbers);
    let mut winners = vec![0; numbers];
    let quarters = geometry.kernel == [2; 2] && geometry.stride == 2 && geometry.padding == 0;
    (T::numbers(input).par_chunks_exact(geometry.pixels_in()))
        .zip(values.par_chunks_exact_mut(geometry.pixels_out()))
        .zip(winners.par_chunks_exact_mut(geometry.pixels_out()))
        .with_min_len(TASK.div_ceil(geometry.pixels_in()))
        .for_each(|((image, values), winners)| {
            // The closure moves its slices, so it can be called only once. Otherwise it would not be inlined, and not
            // compiled for the instruction set.
            Arch::new().dispatch(
                #[inline(always)]
                move || {
                    let (values, winners) = (values, winners);
                    if quarters {
                        quarter(geometry, image, values, winners);
                    } else if geometry.stride > 1 {
                        by_window(geometry, image, values, winners);
                    } else {
                        by_tap(geometry, image, values, winners);
                    }
                },
            );
        });
    (T::tensor(values, shape), winners)
}

/// Whether a pixel replaces the largest one so far. A NaN, which is not equal to itself, does.
#[inline(always)]
#[allow(clippy::eq_op)]
fn wins<T: Float>(pixel: T, value: T) -> bool {
    pixel > value || pixel != pixel
}

/// [`by_window`] for windows of 2×2 pixels without overlap and padding.
#[inline(always)]
fn quarter<T: Float>(geometry: &Geometry, image: &[T], values: &mut [T], winners: &mut [i64]) {
    let [width_in, width] = [geometry.input[1], geometry.output[1]];
    let lines = (values.chunks_exact_mut(width))
        .zip(winners.chunks_exact_mut(width))
        .zip(image.chunks_exact(2 * width_in));
    for (row, ((values, winners), lines)) in lines.enumerate() {
        let (upper, lower) = lines.split_at(width_in);
        let windows = (upper.as_chunks().0.iter()).zip(lower.as_chunks().0);
        let first = (2 * row * width_in) as i64;
        for (column, ((value, winner), ([a, b], [c, d]))) in
            values.iter_mut().zip(winners).zip(windows).enumerate()
        {
            // Selections instead of branches, which would be unpredictable.
            let (mut largest, mut place) = (*a, 0);
            for (pixel, offset) in [(*b, 1), (*c, width_in as u32), (*d, width_in as u32 + 1)] {
                let wins = wins(pixel, largest);
                largest = if wins { pixel } else { largest };
                place = if wins { offset } else { place };
            }
            *value = largest;
            *winner = first + 2 * column as i64 + i64::from(place);
        }
    }
}

/// Computes the outputs of a channel one by one, for windows that share few pixels.
#[inline(always)]
fn by_window<T: Float>(geometry: &Geometry, image: &[T], values: &mut [T], winners: &mut [i64]) {
    let ([height, width], [_, columns]) = (geometry.input, geometry.output);
    // The pixels that a window covers along an axis. There are some, because the padding is shorter than the kernel.
    let covered = |index: usize, length: usize| {
        let first = index * geometry.stride;
        let end = first + geometry.kernel[0] - geometry.padding;
        first.saturating_sub(geometry.padding)..end.min(length)
    };
    let lines = (values.chunks_exact_mut(columns)).zip(winners.chunks_exact_mut(columns));
    for (row, (values, winners)) in lines.enumerate() {
        let rows = covered(row, height);
        for (column, (value, winner)) in values.iter_mut().zip(winners).enumerate() {
            let covered = covered(column, width);
            let mut place = rows.start * width + covered.start;
            let mut largest = image[place];
            for row in rows.clone() {
                let first = row * width + covered.start;
                for (index, pixel) in image[first..][..covered.len()].iter().enumerate() {
                    let wins = wins(*pixel, largest);
                    largest = if wins { *pixel } else { largest };
                    place = if wins { first + index } else { place };
                }
            }
            (*value, *winner) = (largest, place as i64);
        }
    }
}

/// Computes the outputs of a row together, tap by tap: neighbouring windows cover neighbouring pixels.
#[inline(always)]
fn by_tap<T: Float>(geometry: &Geometry, image: &[T], values: &mut [T], winners: &mut [i64]) {
    let (width, stride) = (geometry.output[1], geometry.stride);
    let lines = values
        .chunks_exact_mut(width)
        .zip(winners.chunks_exact_mut(width));
    for (row, (values, winners)) in lines.enumerate() {
        // −1: no pixel so far.
        winners.fill(-1);
        for tap in geometry.taps.iter().filter(|tap| tap.rows.contains(&row)) {
            let first = first_pixel(geometry, tap, 1, row);
            let (values, winners) = (
                &mut values[tap.columns.clone()],
                &mut winners[tap.columns.clone()],
            );
            for (index, (value, winner)) in values.iter_mut().zip(winners).enumerate() {
                let place = first + index * stride;
                let pixel = image[place];
                let wins = wins(pixel, *value) || *winner < 0;
                *value = if wins { pixel } else { *value };
                *winner = if wins { place as i64 } else { *winner };
            }
        }
    }
}

/// The backward pass, which is burn's own.
#[derive(Debug)]
struct MaxPoolBackward;

/// The saved values for the backward pass.
#[derive(Debug, Clone)]
struct MaxPoolState<B: Backend> {
    input: FloatTensor<B>,
    winners: IntTensor<B>,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl<B: Backend> Backward<B, 1> for MaxPoolBackward {
    type State = MaxPoolState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<B>(&ops.node);
        let state = ops.state;
        if let [Some(node)] = ops.parents {
            let gradient = B::max_pool2d_with_indices_backward(
                state.input,
                [state.kernel; 2],
                [state.stride; 2],
                [state.padding; 2],
                [1; 2],
                false,
                gradient,
                state.winners,
            );
            gradients.register::<B>(node.id, gradient.x_grad);
        }
    }
}

impl<B: MaxPool, C: CheckpointStrategy> MaxPool for Autodiff<B, C> {
    fn max_pool(
        input: FloatTensor<Self>,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (input, node) = input.into_parts();
        let (output, winners) = B::max_pool(input.clone(), kernel, stride, padding);
        let output = match MaxPoolBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let state = MaxPoolState::<B> {
                    input,
                    winners: winners.clone(),
                    kernel,
                    stride,
                    padding,
                };
                prepared.finish(state, output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        };
        (output, winners)
    }
}
