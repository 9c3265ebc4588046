//! Images as features.

use burn::module::Module;

use crate::Dual;

/// Reshapes an image to a row of features: channel by channel, row by row.
#[derive(Module, Debug, Default)]
pub struct Flatten {}

impl Flatten {
    /// The features of the images.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels·height·width]`
    pub fn forward(&self, input: Dual<4>) -> Dual<2> {
        let [batch, channels, height, width] = input.dims();
        input.map_linear(|x| x.reshape([batch, channels * height * width]))
    }
}
