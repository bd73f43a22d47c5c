//! The default model, compiled in. Its files are those of model-assets/, laid out as every model folder.

use std::path::Path;

use models::{Compute, DeviceChoice, Model, ModelFolder, Source};

use crate::{error::EngineError, memory};

/// The files of the default model, as pairs of relative path and contents; empty in a build without model-assets/.
pub fn embedded_files() -> &'static [(&'static str, &'static [u8])] {
    FILES
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A model that was loaded, and where it computes.
#[derive(Debug)]
pub struct OpenedModel {
    /// The model.
    pub model: Model,
    /// The device's name.
    pub device: String,
    /// Why `auto` fell back to the processor, where it did.
    pub fallback: Option<String>,
}

/// Loads the model of a folder, or the default model. `progress` is told the share of the weights that are there.
///
/// # Errors
/// The folder is at fault, this build has no default model, the device is not there, or the memory is not.
pub fn open_model(
    folder: Option<&Path>,
    device: DeviceChoice,
    progress: &dyn Fn(f64),
) -> Result<OpenedModel, EngineError> {
    let (compute, fallback) = Compute::open(device)?;
    let source = match folder {
        Some(folder) => Source::Dir(folder.to_owned()),
        None if FILES.is_empty() => {
            let message = "this build has no embedded model: name a folder with --model";
            return Err(EngineError::request("model", message));
        }
        None => Source::Embedded(FILES),
    };
    memory::check_room(ModelFolder::weight_bytes(&source)?)?;
    let model = ModelFolder::load(&source, &compute, progress)?;
    Ok(OpenedModel { model, device: compute.device_name().to_owned(), fallback })
}
