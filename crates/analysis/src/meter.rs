//! Every meter on one stream: the figures of `barline measure`, of a bar and of a stem.
//!
//! Called by sessions and the offline driver with blocks of any size; the split never changes a figure.

mod crest;
mod hiss;
mod image;
mod levels;
mod lines;
mod peaks;
mod programme;
mod stereo;
mod tonality;

use signal::{ChordSpan, Measurements};

use crate::chords::Chord;
use crate::error::{AnalysisError, check_format};
use crate::mono::MonoFold;
use crate::music::{Music, MusicTracker};
use crate::rhythm::{Rhythm, TimeSignature};
use crest::Crest;
use levels::Levels;
use peaks::Peaks;
use programme::Programme;
use stereo::Stereo;
use tonality::Tonality;

pub(crate) use programme::RATES_HZ;
pub(crate) use tonality::{PowerBelow, third_octaves};

/// Samples beyond this are far outside any audio; spectra limit them so that no power overflows.
pub(crate) const SANE_SAMPLE: f32 = 1e4;

/// Tempo and key that are right with a smaller probability have a note.
const DOUBTFUL: f64 = 0.5;

/// What is missing where there is no pulse.
const PULSE_FIELDS: [&str; 6] =
    ["tempo_bpm", "tempo_confidence", "meter", "meter_confidence", "beats_s", "downbeats_s"];

/// Measures one slice of audio: a file, a bar, a stem.
#[derive(Debug)]
pub struct Meter {
    rate_hz: u32,
    channels: usize,
    frames: u64,
    /// 10 ms ticks so far.
    ticks: u64,
    levels: Levels,
    programme: Option<Programme>,
    peaks: Peaks,
    crest: Crest,
    stereo: Option<Stereo>,
    tonality: Tonality,
    listener: Option<Listener>,
}

/// What listens to notes rather than levels.
#[derive(Debug)]
struct Listener {
    fold: MonoFold,
    mono: Vec<f32>,
    tracker: MusicTracker,
}

impl Meter {
    /// A meter of everything, tempo and key included.
    ///
    /// # Errors
    /// Where the rate lies outside 1 kHz to 768 kHz or the channels outside 1 to 64.
    pub fn new(rate_hz: u32, channels: usize) -> Result<Self, AnalysisError> {
        let mut meter = Self::without_music(rate_hz, channels)?;
        meter.listener = Some(Listener {
            fold: MonoFold::new(rate_hz, channels),
            mono: Vec::new(),
            tracker: MusicTracker::new(rate_hz),
        });
        Ok(meter)
    }

    /// A meter without tempo and key: for a single bar, which is too short for either.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn without_music(rate_hz: u32, channels: usize) -> Result<Self, AnalysisError> {
        check_format(rate_hz, channels)?;
        Ok(Self {
            rate_hz,
            channels,
            frames: 0,
            ticks: 0,
            levels: Levels::new(rate_hz, channels),
            programme: Programme::new(rate_hz, channels),
            peaks: Peaks::new(channels),
            crest: Crest::new(rate_hz, channels),
            stereo: (channels == 2).then(|| Stereo::new(rate_hz)),
            tonality: Tonality::new(rate_hz, channels),
            listener: None,
        })
    }

    /// Takes the next interleaved samples, in blocks of any size.
    ///
    /// # Errors
    /// Where the block ends within a frame or holds a sample that is NaN or infinite; nothing of it is measured.
    pub fn push(&mut self, interleaved: &[f32]) -> Result<(), AnalysisError> {
        if !interleaved.len().is_multiple_of(self.channels) {
            return Err(AnalysisError::Ragged {
                found: interleaved.len(),
                channels: self.channels,
            });
        }
        if let Some(at) = interleaved.iter().position(|x| !x.is_finite()) {
            return Err(AnalysisError::NotFinite {
                frame: self.frames + (at / self.channels) as u64,
            });
        }
        let mut rest = interleaved;
        while !rest.is_empty() {
            let due = (self.ticks + 1) * u64::from(self.rate_hz) / 100;
            let frames = (due - self.frames).min((rest.len() / self.channels) as u64);
            let (piece, next) = rest.split_at(frames as usize * self.channels);
            self.push_piece(piece);
            self.frames += frames;
            rest = next;
            if self.frames == due {
                self.tick();
            }
        }
        if let Some(listener) = &mut self.listener {
            listener.fold.push(interleaved, &mut listener.mono);
            listener.listen();
        }
        Ok(())
    }

    /// Samples that lie within one 10 ms tick.
    fn push_piece(&mut self, piece: &[f32]) {
        self.levels.push(piece);
        self.peaks.push(piece);
        self.crest.push(piece);
        self.tonality.push(piece);
        if let Some(programme) = &mut self.programme {
            programme.push(piece);
        }
        if let Some(stereo) = &mut self.stereo {
            stereo.push(piece);
        }
    }

    fn tick(&mut self) {
        self.ticks += 1;
        self.levels.tick();
        self.crest.tick();
        if self.ticks.is_multiple_of(10)
            && let Some(programme) = &mut self.programme
        {
            programme.end_block(self.levels.short_term_lufs());
        }
    }

    /// Ends the slice and gives its figures.
    pub fn finish(self) -> Measurements {
        self.finish_with_rhythm().0
    }

    /// Ends the slice and gives its figures with the beats behind the tempo, which a meter
    /// [without music](Self::without_music) doesn't have.
    pub fn finish_with_rhythm(mut self) -> (Measurements, Option<Rhythm>) {
        let mut out = Measurements {
            sample_rate_hz: self.rate_hz,
            channels: self.channels,
            duration_s: self.frames as f64 / f64::from(self.rate_hz),
            ..Measurements::default()
        };
        let silent = self.peaks.is_silent();
        let supported = self.programme.is_some();
        self.levels.finish(supported, &mut out);
        self.peaks.finish(&mut out);
        self.crest.finish(&mut out);
        match self.programme.take() {
            Some(programme) => programme.finish(&mut out),
            None => programme::explain_absence(&mut out),
        }
        match self.stereo.take() {
            Some(stereo) => stereo.finish(&mut out),
            None => stereo::explain_absence(&mut out),
        }
        self.tonality.finish(&mut out);
        let rhythm = self.listener.map(|listener| listener.finish(&mut out));
        if rhythm.is_none() {
            for field in PULSE_FIELDS.into_iter().chain([
                "key",
                "key_confidence",
                "onsets_per_s",
                "sections",
            ]) {
                out.notes.insert(field.to_owned(), "not measured on a single bar".to_owned());
            }
        }
        explain_missing(&mut out, silent);
        (out, rhythm)
    }
}

impl Listener {
    fn listen(&mut self) {
        for x in &mut self.mono {
            *x = x.clamp(-SANE_SAMPLE, SANE_SAMPLE);
        }
        self.tracker.push(&self.mono);
        self.mono.clear();
    }

    fn finish(mut self, out: &mut Measurements) -> Rhythm {
        self.fold.finish(&mut self.mono);
        self.listen();
        let Music { rhythm, chords, key, onsets_per_s, sections } = self.tracker.finish();
        out.sections = sections;
        out.onsets_per_s = onsets_per_s.filter(|_| out.sample_peak_dbfs.is_some());
        out.tempo_bpm = rhythm.tempo_bpm;
        out.tempo_confidence = rhythm.tempo_bpm.map(|_| rhythm.confidence);
        let confidence = out.tempo_confidence;
        doubt(out, "tempo_bpm", confidence);
        out.meter = rhythm.meter.map(TimeSignature::name);
        out.meter_confidence = rhythm.meter.map(|_| rhythm.meter_confidence);
        out.beats_s.clone_from(&rhythm.beats_s);
        out.downbeats_s.clone_from(&rhythm.downbeats_s);
        if rhythm.tempo_bpm.is_none() {
            for field in PULSE_FIELDS {
                let reason = "no steady pulse, or too short to hear one";
                out.notes.insert(field.to_owned(), reason.to_owned());
            }
        }
        let span = |chord: &Chord| ChordSpan {
            start_s: chord.start_s,
            end_s: chord.end_s,
            name: chord.name(),
            confidence: chord.confidence,
        };
        out.chords = chords.iter().map(span).collect();
        match key {
            Some(key) => {
                out.key = Some(key.name());
                out.key_confidence = Some(key.confidence);
                doubt(out, "key", Some(key.confidence));
            }
            None => {
                for field in ["key", "key_confidence"] {
                    out.notes.insert(field.to_owned(), "no clear pitches".to_owned());
                }
            }
        }
        rhythm
    }
}

/// Notes that a value is as likely wrong as right.
fn doubt(out: &mut Measurements, field: &str, confidence: Option<f64>) {
    if let Some(confidence) = confidence.filter(|confidence| *confidence < DOUBTFUL) {
        out.notes.insert(
            field.to_owned(),
            format!("doubtful: right with a probability of {confidence:.2}"),
        );
    }
}

/// Notes a reason for every value that is missing: that of an empty or silent slice for all of them, else one for
/// those that no meter explained.
fn explain_missing(out: &mut Measurements, silent: bool) {
    let reason = match (silent, out.duration_s > 0.0) {
        (true, false) => "empty",
        (true, true) => "silent",
        (false, _) => "too short or too quiet to say",
    };
    let json_fields = [
        ("integrated_lufs", out.integrated_lufs.is_none()),
        ("loudness_range_lu", out.loudness_range_lu.is_none()),
        ("momentary_max_lufs", out.momentary_max_lufs.is_none()),
        ("short_term_max_lufs", out.short_term_max_lufs.is_none()),
        ("true_peak_dbtp", out.true_peak_dbtp.is_none()),
        ("sample_peak_dbfs", out.sample_peak_dbfs.is_none()),
        ("plr_db", out.plr_db.is_none()),
        ("psr_min_db", out.psr_min_db.is_none()),
        ("crest_db", out.crest_db.is_none()),
        ("correlation", out.correlation.is_none()),
        ("width", out.width.is_none()),
        ("balance_db", out.balance_db.is_none()),
        ("dc_offset", out.dc_offset.is_none()),
        ("tempo_bpm", out.tempo_bpm.is_none()),
        ("tempo_confidence", out.tempo_confidence.is_none()),
        ("meter", out.meter.is_none()),
        ("meter_confidence", out.meter_confidence.is_none()),
        ("beats_s", out.beats_s.is_empty()),
        ("downbeats_s", out.downbeats_s.is_empty()),
        ("key", out.key.is_none()),
        ("key_confidence", out.key_confidence.is_none()),
        ("loudness_lufs", out.loudness_lufs.is_none()),
        ("low_correlation", out.low_correlation.is_none()),
        ("hum_hz", out.hum_hz.is_none()),
        ("hum_db", out.hum_db.is_none()),
        ("noise_floor_dbfs", out.noise_floor_dbfs.is_none()),
        ("hiss_dbfs", out.hiss_dbfs.is_none()),
        ("noise_flatness", out.noise_flatness.is_none()),
        ("resonance_hz", out.resonance_hz.is_none()),
        ("resonance_db", out.resonance_db.is_none()),
        ("centroid_hz", out.centroid_hz.is_none()),
        ("sibilance_db", out.sibilance_db.is_none()),
        ("clipped_times_s", out.clipped_times_s.is_empty()),
        ("true_peak_over_times_s", out.true_peak_over_times_s.is_empty()),
        ("bands", out.bands.is_empty()),
        ("stereo_bands", out.stereo_bands.is_empty()),
        ("crest_bands", out.crest_bands.is_empty()),
        ("onsets_per_s", out.onsets_per_s.is_none()),
        ("chords", out.chords.is_empty()),
        ("sections", out.sections.is_empty()),
    ];
    for (field, missing) in json_fields {
        if missing && (silent || !out.notes.contains_key(field)) {
            out.notes.insert(field.to_owned(), reason.to_owned());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
