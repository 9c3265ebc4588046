//! Where the first weights come from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the first weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Init {
    /// PyTorch's default distribution, drawn with the run's seed.
    Pytorch,
    /// A safetensors file, or a file that `torch.save` wrote.
    File(PathBuf),
}

impl From<String> for Init {
    fn from(text: String) -> Self {
        match text.as_str() {
            "pytorch" => Self::Pytorch,
            _ => Self::File(text.into()),
        }
    }
}

impl From<Init> for String {
    fn from(init: Init) -> Self {
        match init {
            Init::Pytorch => "pytorch".to_owned(),
            Init::File(path) => path.display().to_string(),
        }
    }
}
