//! What a checkpoint holds.

use burn::tensor::Tensor;

use super::state::State;

/// The state of a run before an iteration, with its tensors.
pub struct Checkpoint {
    /// Everything that is not a tensor.
    pub state: State,
    /// Rank-1 tensors by name.
    pub tensors: Vec<(String, Tensor<1>)>,
}

impl Checkpoint {
    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<Tensor<1>> {
        let found = self.tensors.iter().find(|(other, _)| other == name);
        found.map(|(_, tensor)| tensor.clone())
    }

    /// The tensors `group.0`, `group.1` and so on.
    pub fn group(&self, group: &str) -> Vec<Tensor<1>> {
        (0..)
            .map_while(|index| self.tensor(&format!("{group}.{index}")))
            .collect()
    }
}
