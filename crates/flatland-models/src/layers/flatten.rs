use burn::module::Module;

use crate::Dual;

/// Lays an image out as a row of features: channel by channel, row by row.
#[derive(Module, Debug, Default)]
pub struct Flatten {}

impl Flatten {
    /// # Shapes
    ///
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels·height·width]`
    pub fn forward(&self, input: Dual<4>) -> Dual<2> {
        let [batch, channels, height, width] = input.dims();
        input.map_linear(|x| x.reshape([batch, channels * height * width]))
    }
}
