//! Devices, chosen at run time among those compiled in.

use burn::tensor::{DType, Device};
use flatland_config::{DeviceName, FloatType};
use flatland_records::DoctorVerdict;
use thiserror::Error;

/// A device that was found, with its description for records.
#[derive(Debug, Clone)]
pub struct FoundDevice {
    /// The name that finds the same device again; never [`DeviceName::Auto`].
    pub name: DeviceName,
    /// The device, without autodiff.
    pub device: Device,
    /// What it is.
    pub description: String,
    /// What the doctor found about it, once asked.
    pub verdict: Option<DoctorVerdict>,
    /// Its memory in bytes. `None` if that cannot be found out, as for a graphics adapter through wgpu.
    pub memory: Option<u64>,
}

impl FoundDevice {
    /// Finds a device, and checks that it supports `dtype`.
    ///
    /// # Errors
    ///
    /// The device is not compiled in, does not start, or does not support the float type.
    pub fn find(name: DeviceName, dtype: FloatType) -> Result<Self, DeviceError> {
        let found = match name {
            DeviceName::Auto => real_gpu().unwrap_or_else(flex),
            DeviceName::Flex => flex(),
            DeviceName::Ndarray => ndarray()?,
            DeviceName::Wgpu => wgpu()?,
            DeviceName::Cuda => cuda()?,
        };
        if !found.device.supports_dtype(DType::from(dtype)) {
            return Err(DeviceError::FloatType {
                description: found.description,
                dtype,
            });
        }
        Ok(found)
    }

    /// How many chunks can go through a network at the same time: one for each thread of a CPU. A graphics card divides
    /// its work by itself.
    pub fn threads(&self) -> usize {
        match self.name {
            DeviceName::Flex | DeviceName::Ndarray => rayon::current_num_threads(),
            _ => 1,
        }
    }
}

/// A device that cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The program was built without it.
    #[cfg(not(all(feature = "ndarray", feature = "wgpu", feature = "cuda")))]
    #[error(
        "device {name:?} is not compiled into this program; build it with \
         `cargo run --release --features {name}` (compiled in: {})", COMPILED_IN.join(", ")
    )]
    NotCompiledIn {
        /// The feature that adds the device.
        name: &'static str,
    },
    /// No adapter of any kind starts.
    #[cfg(feature = "wgpu")]
    #[error(
        "no graphics adapter for device \"wgpu\": {reason}; is a Vulkan, Metal or DirectX 12 driver installed?"
    )]
    NoAdapter {
        /// What the driver said.
        reason: String,
    },
    /// The driver does not start.
    #[cfg(feature = "cuda")]
    #[error(
        "no CUDA device: {reason}; is NVIDIA's driver installed (does `nvidia-smi` list a GPU), and CUDA's run-time \
         compiler NVRTC found by the loader?"
    )]
    NoCuda {
        /// What the driver said.
        reason: String,
    },
    /// The device does not support the float type.
    #[error(
        "device {description:?} does not support dtype \"{dtype}\"; use \"f32\", or a CPU device"
    )]
    FloatType {
        /// The device.
        description: String,
        /// The float type asked for.
        dtype: FloatType,
    },
}

/// The devices that this program was built with.
#[cfg(not(all(feature = "ndarray", feature = "wgpu", feature = "cuda")))]
const COMPILED_IN: &[&str] = &[
    "flex",
    #[cfg(feature = "ndarray")]
    "ndarray",
    #[cfg(feature = "wgpu")]
    "wgpu",
    #[cfg(feature = "cuda")]
    "cuda",
];

/// The memory of this machine, or what a control group leaves of it to this process.
fn machine_memory() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let limit = system.cgroup_limits().map(|limits| limits.total_memory);
    let memory = limit.map_or(system.total_memory(), |limit| {
        limit.min(system.total_memory())
    });
    (memory > 0).then_some(memory)
}

fn flex() -> FoundDevice {
    FoundDevice {
        name: DeviceName::Flex,
        device: Device::flex(),
        description: "flex (CPU)".to_owned(),
        verdict: None,
        memory: machine_memory(),
    }
}

#[cfg(feature = "ndarray")]
#[expect(
    deprecated,
    reason = "burn means to drop the backend; until then it is there to compare with"
)]
fn ndarray() -> Result<FoundDevice, DeviceError> {
    Ok(FoundDevice {
        name: DeviceName::Ndarray,
        device: Device::ndarray(),
        description: "ndarray (CPU)".to_owned(),
        verdict: None,
        memory: machine_memory(),
    })
}

#[cfg(not(feature = "ndarray"))]
fn ndarray() -> Result<FoundDevice, DeviceError> {
    Err(DeviceError::NotCompiledIn { name: "ndarray" })
}

#[cfg(feature = "wgpu")]
mod graphics {
    //! Adapters through burn's wgpu backend, each started at most once in a process.

    use burn::tensor::{Device, DeviceKind};

    use flatland_config::DeviceName;

    use super::{DeviceError, FoundDevice};

    /// The first real GPU.
    pub(super) fn real_gpu() -> Option<FoundDevice> {
        let kinds = [
            DeviceKind::DiscreteGpu(0),
            DeviceKind::IntegratedGpu(0),
            DeviceKind::VirtualGpu(0),
        ];
        kinds.into_iter().find_map(|kind| start(kind).ok())
    }

    /// The first real GPU, or else a software adapter.
    pub(super) fn wgpu() -> Result<FoundDevice, DeviceError> {
        match real_gpu() {
            Some(found) => Ok(found),
            None => start(DeviceKind::Cpu),
        }
    }

    fn start(kind: DeviceKind) -> Result<FoundDevice, DeviceError> {
        let is_software = matches!(kind, DeviceKind::Cpu);
        let (device, setup) = Device::wgpu_options()
            .device_kind(kind)
            .init_with_setup()
            .map_err(|error| DeviceError::NoAdapter {
                reason: error.to_string(),
            })?;
        let adapter = setup.adapter.get_info();
        Ok(FoundDevice {
            name: DeviceName::Wgpu,
            device,
            description: format!(
                "wgpu ({}, {:?}, {})",
                adapter.name, adapter.backend, adapter.driver_info
            ),
            verdict: None,
            memory: is_software.then(super::machine_memory).flatten(),
        })
    }
}
#[cfg(feature = "wgpu")]
use graphics::{real_gpu, wgpu};

#[cfg(not(feature = "wgpu"))]
fn real_gpu() -> Option<FoundDevice> {
    None
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<FoundDevice, DeviceError> {
    Err(DeviceError::NotCompiledIn { name: "wgpu" })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<FoundDevice, DeviceError> {
    use crate::panics::panic_message;

    // The driver's library is loaded at run time; where it is missing, the loader panics.
    let start = || {
        let device = Device::cuda(0);
        let _ = burn::tensor::Tensor::<1>::zeros([1], &device).into_data();
        device
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let started = std::panic::catch_unwind(start);
    std::panic::set_hook(hook);
    let device = started.map_err(|panic| DeviceError::NoCuda {
        reason: panic_message(&*panic).to_owned(),
    })?;
    Ok(FoundDevice {
        name: DeviceName::Cuda,
        device,
        description: "cuda (GPU 0)".to_owned(),
        verdict: None,
        memory: None,
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<FoundDevice, DeviceError> {
    Err(DeviceError::NotCompiledIn { name: "cuda" })
}
