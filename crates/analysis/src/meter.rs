//! Every meter on one stream: the figures of `barline measure`, of a bar and of a stem.
//!
//! Called by sessions and the offline driver with blocks of any size; the split never changes a figure.

mod biquad;
mod levels;
mod lines;
mod peaks;
mod programme;
mod stereo;
mod tonality;

use signal::{ChordSpan, Measurements};

use crate::chords::Chord;
use crate::error::{AnalysisError, check_format};
use crate::key::KeyTracker;
use crate::mono::MonoFold;
use crate::rhythm::{Rhythm, RhythmTracker};
use levels::Levels;
use peaks::Peaks;
use programme::Programme;
use stereo::Stereo;
use tonality::Tonality;

pub(crate) use programme::RATES_HZ;
pub(crate) use tonality::third_octaves;

/// Samples beyond this are far outside any audio; spectra limit them so that no power overflows.
const SANE_SAMPLE: f32 = 1e4;

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
    stereo: Option<Stereo>,
    tonality: Tonality,
    music: Option<Music>,
}

/// What listens to notes rather than levels.
#[derive(Debug)]
struct Music {
    fold: MonoFold,
    mono: Vec<f32>,
    rhythm: RhythmTracker,
    key: KeyTracker,
}

impl Meter {
    /// A meter of everything, tempo and key included.
    ///
    /// # Errors
    /// Where the rate lies outside 1 kHz to 768 kHz or the channels outside 1 to 64.
    pub fn new(rate_hz: u32, channels: usize) -> Result<Self, AnalysisError> {
        let mut meter = Self::without_music(rate_hz, channels)?;
        meter.music = Some(Music {
            fold: MonoFold::new(rate_hz, channels),
            mono: Vec::new(),
            rhythm: RhythmTracker::new(rate_hz),
            key: KeyTracker::new(rate_hz),
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
            stereo: (channels == 2).then(|| Stereo::new(rate_hz)),
            tonality: Tonality::new(rate_hz, channels),
            music: None,
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
        if let Some(music) = &mut self.music {
            music.fold.push(interleaved, &mut music.mono);
            music.listen();
        }
        Ok(())
    }

    /// Samples that lie within one 10 ms tick.
    fn push_piece(&mut self, piece: &[f32]) {
        self.levels.push(piece);
        self.peaks.push(piece);
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
        match self.programme.take() {
            Some(programme) => programme.finish(&mut out),
            None => programme::explain_absence(&mut out),
        }
        match self.stereo.take() {
            Some(stereo) => stereo.finish(&mut out),
            None => stereo::explain_absence(&mut out),
        }
        self.tonality.finish(&mut out);
        let rhythm = self.music.map(|music| music.finish(&mut out));
        if rhythm.is_none() {
            for field in ["tempo_bpm", "tempo_confidence", "key", "key_confidence"] {
                out.notes.insert(field.to_owned(), "not measured on a single bar".to_owned());
            }
        }
        explain_missing(&mut out, silent);
        (out, rhythm)
    }
}

impl Music {
    fn listen(&mut self) {
        for x in &mut self.mono {
            *x = x.clamp(-SANE_SAMPLE, SANE_SAMPLE);
        }
        self.rhythm.push(&self.mono);
        self.key.push(&self.mono);
        self.mono.clear();
    }

    fn finish(mut self, out: &mut Measurements) -> Rhythm {
        self.fold.finish(&mut self.mono);
        self.listen();
        let rhythm = self.rhythm.finish();
        out.tempo_bpm = rhythm.tempo_bpm;
        if rhythm.tempo_bpm.is_some() {
            out.tempo_confidence = Some(rhythm.confidence);
        } else {
            let reason = "no steady pulse, or too short to hear one";
            for field in ["tempo_bpm", "tempo_confidence"] {
                out.notes.insert(field.to_owned(), reason.to_owned());
            }
        }
        let span = |chord: &Chord| ChordSpan {
            start_s: chord.start_s,
            end_s: chord.end_s,
            name: chord.name(),
            confidence: chord.confidence,
        };
        out.chords = rhythm.chords.iter().map(span).collect();
        match self.key.finish(&rhythm.chords) {
            Some(key) => {
                out.key = Some(key.name());
                out.key_confidence = Some(key.confidence);
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
        ("bands", out.bands.is_empty()),
        ("chords", out.chords.is_empty()),
    ];
    for (field, missing) in json_fields {
        if missing && (silent || !out.notes.contains_key(field)) {
            out.notes.insert(field.to_owned(), reason.to_owned());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
