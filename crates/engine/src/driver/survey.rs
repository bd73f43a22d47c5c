//! The first pass over a file: measurements, beats, sections and level over time.

use std::collections::BTreeMap;

use analysis::{BandMeter, Meter, Rhythm};
use signal::{BandLevels, Measurements};

use super::Context;
use crate::{
    envelope::Envelope,
    error::{EngineError, SourceError},
    source::AudioSource,
    window::Span,
};

/// Samples are handed on in pieces of about this many seconds, so that decoders' small packets cost nothing.
const PIECE_S: f64 = 0.5;

/// What the first pass finds out.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Measurements of the whole file.
    pub measurements: Measurements,
    /// Its beats.
    pub rhythm: Rhythm,
    /// Its level over time.
    pub envelope: Envelope,
    /// Length in seconds.
    pub duration_s: f64,
    /// What the source has to say about itself.
    pub notes: BTreeMap<String, String>,
}

impl Survey {
    /// The whole file.
    pub fn whole(&self) -> Span {
        Span { start_s: 0.0, end_s: self.duration_s }
    }
}

/// Reads a source from its start in pieces of [`PIECE_S`], with progress; returns the number of frames.
fn read(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    stage: &str,
    mut take: impl FnMut(&[f32]) -> Result<(), EngineError>,
) -> Result<u64, EngineError> {
    source.rewind()?;
    let channels = source.channels().max(1);
    let rate_hz = f64::from(source.rate_hz());
    let total_s = source.frames_hint().map_or(0.0, |frames| frames as f64 / rate_hz);
    let piece = (rate_hz * PIECE_S).ceil() as usize * channels;
    let mut samples = 0;
    let (mut block, mut held) = (Vec::new(), Vec::with_capacity(piece));
    while source.next_block(&mut block)? {
        held.extend_from_slice(&block);
        samples += block.len() as u64;
        if held.len() >= piece {
            context.check()?;
            take(&held)?;
            held.clear();
            (context.progress)(stage, samples as f64 / channels as f64 / rate_hz, total_s);
        }
    }
    take(&held)?;
    if samples == 0 {
        return Err(SourceError::new("samples", "the file holds no audio").into());
    }
    Ok(samples / channels as u64)
}

/// Measures a whole source.
///
/// # Errors
/// It cannot be read, holds no audio, or holds samples that are not finite.
pub fn measure(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
) -> Result<Measurements, EngineError> {
    let mut meter = Meter::new(source.rate_hz(), source.channels())?;
    read(context, source, "measuring", |samples| Ok(meter.push(samples)?))?;
    let mut measurements = meter.finish();
    note(&mut measurements.notes, source.notes());
    Ok(measurements)
}

/// Third-octave levels over time of a stretch of a source, for masking.
///
/// # Errors
/// As [`measure`].
pub(crate) fn band_levels(
    context: &Context<'_>,
    source: &mut dyn AudioSource,
    span: Span,
) -> Result<BandLevels, EngineError> {
    let (rate_hz, channels) = (source.rate_hz(), source.channels());
    let mut meter = BandMeter::new(rate_hz, channels)?;
    let mut levels = BandLevels::with_room(span.length_s());
    let sample = |s: f64| (s.max(0.0) * f64::from(rate_hz)).round() as usize * channels;
    let (from, to) = (sample(span.start_s), sample(span.end_s));
    let mut at = 0;
    read(context, source, "measuring", |samples| {
        let inside = |sample: usize| sample.clamp(at, at + samples.len()) - at;
        meter.push(&samples[inside(from)..inside(to)], &mut levels);
        at += samples.len();
        Ok(())
    })?;
    meter.finish(&mut levels);
    Ok(levels)
}

/// The level of a source over time, and nothing else: the first pass for a label.
///
/// # Errors
/// It cannot be read or holds no audio, or a sample is not finite.
pub fn scan(context: &Context<'_>, source: &mut dyn AudioSource) -> Result<Envelope, EngineError> {
    let mut envelope = Envelope::new(source.rate_hz(), source.channels());
    read(context, source, "scanning", |samples| {
        if let Some(at) = samples.iter().position(|x| !x.is_finite()) {
            let second = envelope.duration_s();
            return Err(SourceError::new(
                "samples",
                format!("sample {at} after {second:.1} s is not finite"),
            )
            .into());
        }
        envelope.push(samples);
        Ok(())
    })?;
    envelope.finish();
    Ok(envelope)
}

/// Everything about a source that needs no model.
///
/// # Errors
/// As [`measure`].
pub fn survey(context: &Context<'_>, source: &mut dyn AudioSource) -> Result<Survey, EngineError> {
    let (rate_hz, channels) = (source.rate_hz(), source.channels());
    let mut meter = Meter::new(rate_hz, channels)?;
    let mut envelope = Envelope::new(rate_hz, channels);
    read(context, source, "measuring", |samples| {
        meter.push(samples)?;
        envelope.push(samples);
        Ok(())
    })?;
    envelope.finish();
    let (mut measurements, rhythm) = meter.finish_with_rhythm();
    let rhythm = rhythm.unwrap_or_default();
    let notes = source.notes();
    note(&mut measurements.notes, notes.clone());
    Ok(Survey { duration_s: envelope.duration_s(), measurements, rhythm, envelope, notes })
}

/// Adds the source's notes; both reasons are kept where a field has two.
fn note(notes: &mut BTreeMap<String, String>, more: BTreeMap<String, String>) {
    for (field, reason) in more {
        notes.entry(field).and_modify(|have| *have = format!("{have}; {reason}")).or_insert(reason);
    }
}
