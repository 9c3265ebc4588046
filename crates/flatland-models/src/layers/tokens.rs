//! The layers of vision transformers.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use crate::{Dual, ops};

/// Cuts an image into square patches and reshapes each patch to a token: row by row, the channels of a pixel together.
#[derive(Module, Debug)]
pub struct Patches {
    #[module(skip)]
    size: usize,
}

impl Patches {
    /// The layer that cuts patches of `size × size` pixels.
    pub fn new(size: usize) -> Self {
        Self { size }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The patches of the images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, (height/size)·(width/size), size·size·channels]`
    ///
    /// # Panics
    ///
    /// Panics if `size` does not divide height and width.
    pub fn forward(&self, input: Dual<4>) -> Dual<3> {
        let [batch, channels, height, width] = input.dims();
        let size = self.size;
        assert!(
            height % size == 0 && width % size == 0,
            "patches of {size}×{size} do not tile an image of {height}×{width}"
        );
        let (rows, columns) = (height / size, width / size);
        input.map_linear(|x| {
            x.reshape([batch, channels, rows, size, columns, size])
                .permute([0, 2, 4, 3, 5, 1])
                .reshape([batch, rows * columns, size * size * channels])
        })
    }
}

/// Adds a fixed position embedding to every token of a grid: sines and cosines of its column and of its row, at
/// frequencies from 1 down to 1/10,000.
///
/// # References
///
/// - L. Beyer, X. Zhai, A. Kolesnikov, *Better plain ViT baselines for ImageNet-1k*, arXiv 2205.01580.
#[derive(Module, Debug)]
pub struct SinCosPositions {
    #[module(skip)]
    rows: usize,
    #[module(skip)]
    columns: usize,
}

impl SinCosPositions {
    /// Embeddings for a grid of `rows × columns` tokens.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self { rows, columns }
    }

    /// The tokens with their embeddings.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, rows·columns, features]`, where `features` is a multiple of 4 and at least 8
    pub fn forward(&self, input: Dual<3>) -> Dual<3> {
        let [_, tokens, features] = input.dims();
        let code = TensorData::new(self.code(features), [1, tokens, features]);
        let code = Tensor::from_data(code, (&input.value.device(), input.value.dtype()));
        Dual {
            value: input.value + code,
            tangent: input.tangent,
        }
    }

    /// `sin x, cos x, sin y, cos y` at each frequency, token after token.
    fn code(&self, features: usize) -> Vec<f64> {
        let quarter = features / 4;
        let frequency = |i: usize| 10_000f64.powf(-(i as f64) / (quarter - 1) as f64);
        let angles = |place: usize| (0..quarter).map(move |i| place as f64 * frequency(i));
        (0..self.rows)
            .flat_map(|row| (0..self.columns).map(move |column| (row, column)))
            .flat_map(|(row, column)| {
                let (x, y) = (angles(column), angles(row));
                (x.clone().map(f64::sin).chain(x.map(f64::cos)))
                    .chain(y.clone().map(f64::sin).chain(y.map(f64::cos)))
            })
            .collect()
    }
}

/// Multi-head self-attention, see [`ops::self_attention`].
#[derive(Module, Debug)]
pub struct SelfAttention {
    #[module(skip)]
    heads: usize,
}

impl SelfAttention {
    /// Attention with `heads` heads.
    pub fn new(heads: usize) -> Self {
        Self { heads }
    }

    pub(crate) fn heads(&self) -> usize {
        self.heads
    }

    /// The attention of every token to all tokens of its image.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, tokens, 3·heads·width]`: queries, keys and values
    /// - output: `[batch, tokens, heads·width]`
    pub fn forward(&self, input: Dual<3>) -> Dual<3> {
        ops::self_attention(input, self.heads)
    }
}

/// The mean of the tokens of an image.
#[derive(Module, Debug, Default)]
pub struct MeanOfTokens {}

impl MeanOfTokens {
    /// The mean token of every image.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, tokens, features]`
    /// - output: `[batch, features]`
    pub fn forward(&self, input: Dual<3>) -> Dual<2> {
        input.map_linear(|x| x.mean_dim(1).squeeze_dim(1))
    }
}
