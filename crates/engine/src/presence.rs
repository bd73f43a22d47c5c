//! In which bars an instrument plays: the model's head for instruments, bar by bar through a file, put into words.

use signal::Label;

use crate::{
    driver::{Context, hear},
    error::EngineError,
    nearby,
    places::in_file,
    source::AudioSource,
    timeline::Stretch,
    window::Cut,
};

/// Where `instrument` plays among `stretches` of a file of `duration_s`, in words that follow "I hear it": e.g. `in bars 5-12 and
/// 17`. None where it plays nowhere.
///
/// # Errors
/// The file cannot be read, or the model has no head for instruments or fails.
pub(crate) fn whereabouts(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    stretches: &[Stretch],
    duration_s: f64,
    instrument: Label,
) -> Result<Option<String>, EngineError> {
    let model = context.model()?;
    // That it plays somewhere is known already.
    let threshold = model.heads()?.instruments_doubt;
    let cuts: Vec<Cut> =
        stretches.iter().map(|stretch| Cut::to_hear(stretch.span.window(duration_s))).collect();
    let heard = hear(context, source, &cuts, "listening", |_, heard| {
        Ok(Some(model.soft_tokens(&heard.window.unwrap_or_default())?))
    })?;
    let plays = |index| -> Result<bool, EngineError> {
        let Some(heard) = nearby::among(stretches, &heard, index) else { return Ok(false) };
        let odds = model.instruments(&heard)?;
        Ok(odds.iter().any(|(name, odds)| name == instrument.name() && *odds >= threshold))
    };
    let playing: Result<Vec<bool>, EngineError> = (0..stretches.len()).map(plays).collect();
    Ok(in_file(stretches, &playing?))
}
