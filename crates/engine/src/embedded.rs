//! The default model, compiled in. Its files are those of model-assets/, laid out as every model folder.

use std::path::Path;

use models::{Compute, DeviceChoice, Model, ModelFolder, Source};

use crate::error::EngineError;

/// The files of the default model, as pairs of relative path and contents; empty in a build without model-assets/.
pub fn embedded_files() -> &'static [(&'static str, &'static [u8])] {
    FILES
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Loads the model of a folder, or the default model.
///
/// # Errors
/// The folder is at fault, this build has no default model, or the device is not there.
pub fn open_model(folder: Option<&Path>, device: DeviceChoice) -> Result<Model, EngineError> {
    let (compute, _) = Compute::open(device)?;
    if let Some(folder) = folder {
        return Ok(ModelFolder::load(&Source::Dir(folder.to_owned()), &compute)?);
    }
    if FILES.is_empty() {
        return Err(EngineError::request(
            "model",
            "this build has no embedded model: name a folder with --model",
        ));
    }
    Ok(ModelFolder::load(&Source::Embedded(FILES), &compute)?)
}
