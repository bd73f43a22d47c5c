//! Which kernels a model runs on: ours on the processor, candle's on a GPU.

use candle_core::Device;

use crate::{
    DeviceChoice, ModelError,
    backend::{OnDevice, Slices},
};

/// Weights above which a model on the processor uses rayon's pool: 200 MB of f16, too much for one thread. The pool is this
/// process's, and stays: the default model is far below.
const POOL_MIN_WEIGHTS: usize = 100_000_000;

/// Where and how a model computes.
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    pool: Option<bool>,
    /// candle's operations even on the processor.
    generic: bool,
}

/// The backend that a [`Compute`] comes to.
pub(crate) enum Kernels {
    Slices(Slices),
    OnDevice(OnDevice),
}

impl Default for Compute {
    fn default() -> Self {
        Self { device: Device::Cpu, pool: None, generic: false }
    }
}

impl Compute {
    /// On the processor: small models on the calling thread alone, large ones on rayon's global
    /// pool, which the program sizes before the first use.
    pub fn cpu() -> Self {
        Self::default()
    }

    /// On the processor, with the pool forced on or off. The results are the same bit for bit.
    pub fn cpu_with_pool(pool: bool) -> Self {
        Self { pool: Some(pool), ..Self::default() }
    }

    /// With candle's own operations, on any device.
    pub fn candle(device: Device) -> Self {
        Self { device, pool: None, generic: true }
    }

    /// Opens the device a user asked for; the second value says why `auto` fell back, if it did.
    ///
    /// # Errors
    /// As [`DeviceChoice::open`].
    pub fn open(choice: DeviceChoice) -> Result<(Self, Option<String>), ModelError> {
        let opened = choice.open()?;
        let generic = !opened.device.is_cpu();
        Ok((Self { device: opened.device, pool: None, generic }, opened.fallback))
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device's name, as `--device` has it.
    pub fn device_name(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }

    pub(crate) fn kernels(&self, weights: usize) -> Kernels {
        if self.generic {
            Kernels::OnDevice(OnDevice { device: self.device.clone() })
        } else {
            Kernels::Slices(Slices { pool: self.pool.unwrap_or(weights > POOL_MIN_WEIGHTS) })
        }
    }
}
