//! The shapes of a convolution and the division of its work.

use std::ops::Range;

use crate::product::{Matrix, Work};

/// The smallest number of columns of a product, for a small cost of packing the weight.
const LEAST_COLUMNS: usize = 128;
/// The largest number of columns of a product.
const MOST_COLUMNS: usize = 1024;
/// The number of unrolled numbers at a time. A product may need more for its smallest number of columns.
const UNROLLED: usize = 1 << 18;
/// The output pixels from which images are processed one by one.
const LARGE_IMAGE: usize = 256;
/// The same for pointwise convolutions, for which transposing costs more than short products.
const LARGE_POINTWISE_IMAGE: usize = 64;
/// The size of a group is a multiple of this number, because eight images are transposed in registers.
const WHOLE: usize = 8;
/// The largest number of unrolled numbers of eight images. A group has fewer images if there are more.
const UNROLLED_IN_WHOLE: usize = 1 << 20;
/// The number of output pixels per output channel from which reversing the weight saves time.
const LEAST_TURNS: usize = 4;
/// With fewer tasks per thread than this, threads share the work inside a task.
const MANY_TASKS: usize = 2;

/// The shapes of a convolution and the division of its sums, which depends on the shapes alone.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    pub batch: usize,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Height and width.
    pub input: [usize; 2],
    /// Height and width.
    pub kernel: [usize; 2],
    /// Height and width.
    pub output: [usize; 2],
    pub stride: usize,
    pub padding: usize,
    /// The taps that cover pixels, or the first tap if none does.
    pub taps: Vec<Tap>,
    /// The number of images that are processed at a time.
    pub group: usize,
    /// The number of output rows that are processed at a time: all of them if a group has several images.
    pub band: usize,
}

/// An entry of the kernel.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    /// The index in row-major order.
    pub index: usize,
    pub row: usize,
    pub column: usize,
    /// The output rows in which it covers pixels.
    pub rows: Range<usize>,
    /// The output columns in which it covers pixels.
    pub columns: Range<usize>,
}

impl Geometry {
    /// The geometry of a convolution of these shapes.
    ///
    /// # Panics
    ///
    /// Panics if the shapes do not match or the output is empty.
    pub fn new(input: [usize; 4], weight: [usize; 4], stride: usize, padding: usize) -> Self {
        let [batch, channels_in, height, width] = input;
        let [channels_out, channels, kernel_height, kernel_width] = weight;
        assert_eq!(
            channels, channels_in,
            "the weight {weight:?} is for {channels} channels, but the input {input:?} has {channels_in}"
        );
        assert!(
            !input.contains(&0) && !weight.contains(&0),
            "an input {input:?} and a weight {weight:?} need at least one entry"
        );
        assert!(stride > 0, "a stride is at least 1");
        let along = |size: usize, kernel: usize| {
            let padded = size + 2 * padding;
            assert!(
                kernel <= padded,
                "a kernel of {kernel} pixels does not fit into {size} with {padding} of padding on each side"
            );
            (padded - kernel) / stride + 1
        };
        let output = [along(height, kernel_height), along(width, kernel_width)];
        let mut geometry = Self {
            batch,
            channels_in,
            channels_out,
            input: [height, width],
            kernel: [kernel_height, kernel_width],
            output,
            stride,
            padding,
            taps: Vec::new(),
            group: 1,
            band: output[0],
        };
        geometry.taps = geometry.live_taps();
        geometry.divide();
        geometry
    }

    fn live_taps(&self) -> Vec<Tap> {
        // The outputs with `0 ≤ output · stride + tap − padding < size`.
        let meets = |axis: usize, tap: usize| {
            let first = (self.padding.saturating_sub(tap)).div_ceil(self.stride);
            let end = (self.input[axis] + self.padding)
                .saturating_sub(tap)
                .div_ceil(self.stride);
            first..end.min(self.output[axis])
        };
        let [height, width] = self.kernel;
        let tap = |index| {
            let (row, column) = (index / width, index % width);
            Tap {
                index,
                row,
                column,
                rows: meets(0, row),
                columns: meets(1, column),
            }
        };
        let taps: Vec<Tap> = (0..height * width)
            .map(tap)
            .filter(|tap| !tap.rows.is_empty() && !tap.columns.is_empty())
            .collect();
        if taps.is_empty() {
            // All windows cover only padding. A tap that covers no pixels is unrolled to zeros.
            return vec![tap(0)];
        }
        taps
    }

    fn divide(&mut self) {
        let [height, width] = self.output;
        let columns = (UNROLLED / self.unrolled_rows()).clamp(LEAST_COLUMNS, MOST_COLUMNS);
        let large = if self.is_pointwise() {
            LARGE_POINTWISE_IMAGE
        } else {
            LARGE_IMAGE
        };
        if self.pixels_out() >= large {
            self.band = (columns / width).clamp(1, height);
        } else {
            let wanted = columns.div_ceil(self.pixels_out());
            let eight = WHOLE * self.pixels_out() * self.unrolled_rows();
            let group = match wanted {
                0..WHOLE if eight > UNROLLED_IN_WHOLE => wanted,
                0..WHOLE => WHOLE,
                _ => wanted / WHOLE * WHOLE,
            };
            self.group = group.min(self.batch);
        }
    }

    /// The convolution of the gradient at the output that equals the gradient at the input. `None` if the stride is not
    /// 1, or if there are so few images that reversing the weight costs more time than it saves.
    pub fn reversed(&self) -> Option<Self> {
        let [height, width] = self.kernel;
        let is_fit = self.stride == 1 && height == width && self.padding < height;
        let is_whole = self.taps.len() == self.kernel_size() && self.taps.len() > 1;
        let is_worth_it = self.batch * self.pixels_out() >= LEAST_TURNS * self.channels_out;
        if !(is_fit && is_whole && is_worth_it) {
            return None;
        }
        let [rows, columns] = self.output;
        Some(Self::new(
            [self.batch, self.channels_out, rows, columns],
            [self.channels_in, self.channels_out, height, width],
            1,
            height - 1 - self.padding,
        ))
    }

    pub fn pixels_in(&self) -> usize {
        self.input[0] * self.input[1]
    }

    pub fn pixels_out(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// The number of entries of an image.
    pub fn image_in(&self) -> usize {
        self.channels_in * self.pixels_in()
    }

    /// The number of entries of an output image.
    pub fn image_out(&self) -> usize {
        self.channels_out * self.pixels_out()
    }

    /// The rows of the unrolled images.
    pub fn unrolled_rows(&self) -> usize {
        self.channels_in * self.taps.len()
    }

    /// The largest number of columns of unrolled images at a time.
    pub fn unrolled_columns(&self) -> usize {
        self.band * self.output[1] * self.group
    }

    /// The number of entries of a kernel for one pair of channels.
    pub fn kernel_size(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub fn groups(&self) -> usize {
        self.batch.div_ceil(self.group)
    }

    /// The images of a group.
    pub fn images(&self, group: usize) -> Range<usize> {
        group * self.group..((group + 1) * self.group).min(self.batch)
    }

    /// The range of images in an input.
    pub fn numbers_in(&self, images: &Range<usize>) -> Range<usize> {
        images.start * self.image_in()..images.end * self.image_in()
    }

    /// The range of images in an output.
    pub fn numbers_out(&self, images: &Range<usize>) -> Range<usize> {
        images.start * self.image_out()..images.end * self.image_out()
    }

    /// A [`live_weight`](super::unroll::live_weight) as the left factor of a product.
    pub fn weight_matrix<'a, T>(&self, weight: &'a [T]) -> Matrix<'a, T> {
        let rows = self.unrolled_rows();
        let shape = [self.channels_out, rows];
        if let [tap] = self.taps.as_slice() {
            let kernel = self.kernel_size();
            return Matrix::strided(&weight[tap.index..], shape, [rows * kernel, kernel]);
        }
        Matrix::new(weight, shape, rows)
    }

    /// The bands of output rows, from the top.
    pub fn bands(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (height, band) = (self.output[0], self.band);
        (0..height)
            .step_by(band)
            .map(move |top| top..(top + band).min(height))
    }

    /// Whether threads share the work inside each of `tasks` tasks. The results have the same bits.
    pub fn work(tasks: usize) -> Work {
        if tasks < MANY_TASKS * rayon::current_num_threads() {
            Work::Shared
        } else {
            Work::Alone
        }
    }

    /// Whether the unrolled images are the images themselves.
    pub fn is_pointwise(&self) -> bool {
        let [tap] = self.taps.as_slice() else {
            return false;
        };
        self.stride == 1 && self.input == self.output && [tap.row, tap.column] == [self.padding; 2]
    }
}
