//! Where a model computes: the user's choice, and what it comes to on this machine.

use std::{fmt, str::FromStr};

use candle_core::Device;

use crate::ModelError;

/// The device a user asks for (`--device`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU if this build and this machine have one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first CUDA device; an error where there is none.
    Cuda,
    /// The first Metal device; an error where there is none.
    Metal,
}

/// A choice made real.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The candle device.
    pub device: Device,
    /// Why `Auto` fell back to the processor, where it did.
    pub fallback: Option<String>,
}

impl DeviceChoice {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal];

    /// Opens the device.
    ///
    /// # Errors
    /// [`ModelError::Device`] if a named GPU is not compiled in or does not answer.
    pub fn open(self) -> Result<Opened, ModelError> {
        match self {
            Self::Cpu => Ok(Opened { device: Device::Cpu, fallback: None }),
            Self::Cuda => Ok(Opened { device: cuda()?, fallback: None }),
            Self::Metal => Ok(Opened { device: metal()?, fallback: None }),
            Self::Auto => Ok(automatic()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        })
    }
}

impl FromStr for DeviceChoice {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            "metal" => Ok(Self::Metal),
            other => Err(ModelError::input(
                "device",
                format!("{other:?} is not auto, cpu, cuda or metal"),
            )),
        }
    }
}

fn automatic() -> Opened {
    let mut reasons = Vec::new();
    for open in [cuda, metal] {
        match open() {
            Ok(device) => return Opened { device, fallback: None },
            Err(reason) => reasons.push(reason.to_string()),
        }
    }
    Opened { device: Device::Cpu, fallback: Some(reasons.join("; ")) }
}

fn cuda() -> Result<Device, ModelError> {
    if !candle_core::utils::cuda_is_available() {
        return Err(ModelError::Device { device: "cuda", message: "not compiled in".to_owned() });
    }
    Device::new_cuda(0).map_err(|e| ModelError::Device { device: "cuda", message: e.to_string() })
}

fn metal() -> Result<Device, ModelError> {
    if !candle_core::utils::metal_is_available() {
        return Err(ModelError::Device { device: "metal", message: "not compiled in".to_owned() });
    }
    Device::new_metal(0).map_err(|e| ModelError::Device { device: "metal", message: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for choice in
            [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda, DeviceChoice::Metal]
        {
            assert_eq!(choice.to_string().parse::<DeviceChoice>().unwrap(), choice);
        }
        assert!("tpu".parse::<DeviceChoice>().unwrap_err().to_string().contains("device"));
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_gpu_that_is_not_compiled_in_is_an_error_and_auto_says_why() {
        assert_eq!(
            DeviceChoice::Cuda.open().unwrap_err().to_string(),
            "device cuda: not compiled in"
        );
        let opened = DeviceChoice::Auto.open().unwrap();
        assert!(matches!(opened.device, Device::Cpu));
        assert!(opened.fallback.unwrap().contains("metal"));
    }
}
