//! The devices by name.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumMessage, EnumString, VariantArray};

/// A device by name.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    EnumMessage,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DeviceName {
    /// A GPU if there is a real one and the program was built for it, else flex.
    Auto,
    /// burn's pure-Rust CPU backend; always compiled in.
    Flex,
    /// burn's older CPU backend; its convolution gradients are slow.
    Ndarray,
    /// Any GPU, through Vulkan, Metal, DirectX 12 or WebGPU; a software Vulkan only if there is nothing else.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl DeviceName {
    /// Whether a driver and generated kernels compute, which the doctor examines before the first run.
    pub fn needs_doctor(self) -> bool {
        matches!(self, Self::Wgpu | Self::Cuda)
    }
}
