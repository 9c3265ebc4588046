//! The small vision transformer of the paper's appendix F.

use serde::{Deserialize, Serialize};

use crate::architecture_error::{MOST_FEATURES, MOST_LAYERS};
use crate::{
    Activation, ArchitectureError, Initializer, InputShape, Layer, LayerNormConfig, MeanOfTokens,
    Nonlinearity, Patches, SelfAttention, Sequence, SinCosPositions,
};

/// A plain vision transformer: patches, fixed position embeddings, pre-norm blocks of attention and a GELU layer, the
/// mean of the tokens, and a linear head.
///
/// The paper gives patch size, width, depth, heads and the width of the hidden layer. Everything else (normalized
/// patches, heads of 64 features, attention projections without bias, a last normalization) and the names of the
/// parameters follow `SimpleViT` of the Python package vit-pytorch. Initial weights are PyTorch's.
///
/// # References
///
/// - A. Dosovitskiy et al., *An Image is Worth 16x16 Words*, ICLR 2021.
/// - L. Beyer, X. Zhai, A. Kolesnikov, *Better plain ViT baselines for ImageNet-1k*, arXiv 2205.01580.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VitConfig {
    /// The height and width of a patch. The default is 8, or 7 if 8 does not divide the image (28×28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// The features of a token.
    pub width: usize,
    /// The number of blocks.
    pub depth: usize,
    /// The number of attention heads.
    pub heads: usize,
    /// The features of a head.
    pub head_width: usize,
    /// The features of the hidden layer in each block.
    pub hidden_width: usize,
    /// Whether the last linear layer has a bias (without it in appendix J of the paper).
    pub last_bias: bool,
}

impl Default for VitConfig {
    fn default() -> Self {
        Self {
            patch: None,
            width: 256,
            depth: 4,
            heads: 8,
            head_width: 64,
            hidden_width: 512,
            last_bias: true,
        }
    }
}

impl VitConfig {
    pub(crate) fn check(&self, input: InputShape) -> Result<(), ArchitectureError> {
        let InputShape { height, width, .. } = input;
        for (option, value, most) in [
            ("depth", self.depth, MOST_LAYERS),
            ("heads", self.heads, MOST_LAYERS),
            ("head_width", self.head_width, MOST_LAYERS),
            ("hidden_width", self.hidden_width, MOST_FEATURES),
        ] {
            ArchitectureError::check_sizes(option, &[value], most)?;
        }
        if self.width < 8 || !self.width.is_multiple_of(4) {
            return Err(ArchitectureError::Multiple {
                option: "width",
                value: self.width,
                multiple: 4,
                least: 8,
            });
        }
        ArchitectureError::check_sizes("width", &[self.width], MOST_FEATURES)?;
        let patch = self.patch(input);
        if patch == 0 || !height.is_multiple_of(patch) || !width.is_multiple_of(patch) {
            return Err(ArchitectureError::Patch {
                patch,
                height,
                width,
            });
        }
        Ok(())
    }

    fn patch(&self, input: InputShape) -> usize {
        let divides =
            |patch| input.height.is_multiple_of(patch) && input.width.is_multiple_of(patch);
        self.patch.unwrap_or(if divides(8) { 8 } else { 7 })
    }

    /// Builds the network and draws PyTorch's initial weights.
    pub fn init(
        &self,
        input: InputShape,
        classes: usize,
        initializer: &mut Initializer,
    ) -> Sequence {
        let patch = self.patch(input);
        let pixels = input.channels * patch * patch;
        let embedding = [
            Patches::new(patch).into(),
            norm(pixels, initializer),
            Layer::linear(pixels, self.width, true, initializer),
            norm(self.width, initializer),
        ];
        let positions = SinCosPositions::new(input.height / patch, input.width / patch);
        let blocks: Vec<_> = (0..self.depth).map(|_| self.block(initializer)).collect();
        let transformer = Sequence::named(vec![
            ("layers", Sequence::numbered(blocks).into()),
            ("norm", norm(self.width, initializer)),
        ]);
        Sequence::named(vec![
            ("to_patch_embedding", Sequence::numbered(embedding).into()),
            ("positions", positions.into()),
            ("transformer", transformer.into()),
            ("mean", MeanOfTokens::default().into()),
            (
                "linear_head",
                Layer::linear(self.width, classes, self.last_bias, initializer),
            ),
        ])
    }

    /// An attention and a hidden layer, each with a residual connection.
    fn block(&self, initializer: &mut Initializer) -> Layer {
        let inner = self.heads * self.head_width;
        let attention = Sequence::residual(vec![
            ("norm", norm(self.width, initializer)),
            (
                "to_qkv",
                Layer::linear(self.width, 3 * inner, false, initializer),
            ),
            ("attend", SelfAttention::new(self.heads).into()),
            (
                "to_out",
                Layer::linear(inner, self.width, false, initializer),
            ),
        ]);
        let net = Sequence::numbered([
            norm(self.width, initializer),
            Layer::linear(self.width, self.hidden_width, true, initializer),
            Activation::new(Nonlinearity::Gelu).into(),
            Layer::linear(self.hidden_width, self.width, true, initializer),
        ]);
        let hidden = Sequence::residual(vec![("net", net.into())]);
        Sequence::numbered([attention.into(), hidden.into()]).into()
    }
}

fn norm(features: usize, initializer: &mut Initializer) -> Layer {
    LayerNormConfig::new(features).init(initializer).into()
}
