//! How many samples go through a network together.

use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::Deserialize;

/// How many samples go through a network together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Chunk {
    /// As many as [`Architecture::default_chunk`](flatland_models::Architecture::default_chunk) says.
    OfNetwork,
    /// As many as fit into memory, except where the chunk is part of the objective.
    Auto,
    /// This number.
    SampleCount(NonZeroUsize),
}

impl Chunk {
    /// What a grid and the command line allow.
    pub const ALLOWED: &str = "\"auto\" or a whole number, at least 1";
}

impl FromStr for Chunk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => (text.parse().map(Self::SampleCount))
                .map_err(|_| format!("expected {}", Self::ALLOWED)),
        }
    }
}

impl TryFrom<toml::Value> for Chunk {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) if text == "auto" => Ok(Self::Auto),
            toml::Value::Integer(count) => count.to_string().parse(),
            _ => Err(format!("expected {}", Self::ALLOWED)),
        }
    }
}
