use std::ops::Range;

use crate::product::{Matrix, Work};

/// Columns of a product, at least: as many as keep the cost of packing the weight small.
const LEAST_COLUMNS: usize = 128;
/// Columns of a product, at most.
const MOST_COLUMNS: usize = 1024;
/// Numbers of unrolled images that are wanted at a time; fewer columns than the least are not taken for it.
const UNROLLED: usize = 1 << 18;
/// Images of this many output pixels are taken one by one.
const LARGE_IMAGE: usize = 256;
/// The same where the images need not be unrolled, and turning them would cost more than short products.
const LARGE_POINTWISE_IMAGE: usize = 64;
/// Images of a group come in so many, which are turned in registers,
const WHOLE: usize = 8;
/// if so many unrolled are not more numbers than these.
const UNROLLED_IN_WHOLE: usize = 1 << 20;
/// Output pixels for each output channel from which reversing the weight pays.
const LEAST_TURNS: usize = 4;
/// With fewer tasks than this for each thread, the threads share the work inside each.
const MANY_TASKS: usize = 2;

/// The shapes of a convolution, and how its sums are divided: by the shapes alone.
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
    /// The taps that meet pixels; the first one if none does.
    pub taps: Vec<Tap>,
    /// Images taken at a time.
    pub group: usize,
    /// Output rows taken at a time: all of them where a group has more than one image.
    pub band: usize,
}

/// A place in the kernel.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    /// Counted row by row.
    pub index: usize,
    pub row: usize,
    pub column: usize,
    /// Output rows in which it meets pixels.
    pub rows: Range<usize>,
    /// Output columns in which it meets pixels.
    pub columns: Range<usize>,
}

impl Geometry {
    /// # Panics
    ///
    /// Where the shapes do not fit, or the output is empty.
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
        // Where `0 ≤ output · stride + tap − padding < size`.
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
            // All outputs lie in the padding. A tap that meets nothing unrolls to zeros.
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

    /// The convolution of the gradient at the output that gives the gradient at the input. None where the stride leaves
    /// pixels out, and where images are so few that reversing the weight would cost more than it saves: numbers that
    /// are copied into columns, which cost less than numbers that are added to pixels.
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

    /// Numbers in one image.
    pub fn image_in(&self) -> usize {
        self.channels_in * self.pixels_in()
    }

    /// Numbers in one output image.
    pub fn image_out(&self) -> usize {
        self.channels_out * self.pixels_out()
    }

    /// Rows of unrolled images.
    pub fn unrolled_rows(&self) -> usize {
        self.channels_in * self.taps.len()
    }

    /// The most columns of unrolled images at a time.
    pub fn unrolled_columns(&self) -> usize {
        self.band * self.output[1] * self.group
    }

    /// Entries of a weight for each pair of channels.
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

    /// Where images lie in an input.
    pub fn numbers_in(&self, images: &Range<usize>) -> Range<usize> {
        images.start * self.image_in()..images.end * self.image_in()
    }

    /// Where images lie in an output.
    pub fn numbers_out(&self, images: &Range<usize>) -> Range<usize> {
        images.start * self.image_out()..images.end * self.image_out()
    }

    /// [`live_weight`](super::unroll::live_weight)s as the left factor of a product.
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

    /// How the work in each of `tasks` is done, which changes no bit.
    pub fn work(tasks: usize) -> Work {
        if tasks < MANY_TASKS * rayon::current_num_threads() {
            Work::Shared
        } else {
            Work::Alone
        }
    }

    /// Whether unrolled images are the images.
    pub fn is_pointwise(&self) -> bool {
        let [tap] = self.taps.as_slice() else {
            return false;
        };
        self.stride == 1 && self.input == self.output && [tap.row, tap.column] == [self.padding; 2]
    }
}
