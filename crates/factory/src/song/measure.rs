//! What the truth says about levels and colour, measured on the rendered stems.

use realfft::RealFftPlanner;
use signal::Label;

use super::{Rendered, Song, Stem};
use crate::dsp::{rms, to_db};
use crate::truth::{Bar, Descriptors, Instrument, StemTruth, Truth};

/// An instrument this far below the mix of its bar is not heard.
pub(crate) const AUDIBLE_DB: f64 = -20.0;

/// The truth of a rendered song.
pub(super) fn truth(song: &Song, rendered: &Rendered) -> Truth {
    let mut onset_counts = song.parts.iter().map(|part| {
        let mut onsets: Vec<f64> = part.notes.iter().map(|note| note.start_s).collect();
        onsets.sort_by(f64::total_cmp);
        onsets.dedup_by(|late, early| *late - *early < 0.045);
        onsets.len() as f64
    });
    let playing_s = song.bars() as f64 * song.bar_s();
    Truth {
        seed: song.seed,
        sample_rate_hz: rendered.rate_hz,
        duration_s: song.length_s(),
        tempo_bpm: song.tempo_bpm,
        meter: song.meter.to_string(),
        key: song.key.name(),
        sections: song.sections.iter().map(|s| section(song, s)).collect(),
        bars: (0..song.bars()).map(|bar| measure_bar(song, rendered, bar)).collect(),
        stems: (rendered.stems.iter().enumerate())
            .map(|(index, stem)| StemTruth {
                file: format!("stems/{index:02}-{}.wav", stem.label),
                label: stem.label,
                gain_db: round(stem.gain_db, 100.0),
                pan: round(stem.pan, 1000.0),
                descriptors: describe(
                    stem,
                    rendered.rate_hz,
                    onset_counts.next().unwrap_or(0.0) / playing_s,
                ),
            })
            .collect(),
        defects: rendered.defects.clone(),
    }
}

fn section(song: &Song, section: &super::Section) -> crate::truth::Section {
    crate::truth::Section {
        name: section.name.to_owned(),
        start_s: section.first_bar as f64 * song.bar_s(),
        end_s: (section.first_bar + section.bars) as f64 * song.bar_s(),
        first_bar: section.first_bar + 1,
        last_bar: section.first_bar + section.bars,
    }
}

fn measure_bar(song: &Song, rendered: &Rendered, bar: usize) -> Bar {
    let (start_s, end_s) = (bar as f64 * song.bar_s(), (bar + 1) as f64 * song.bar_s());
    let place = |time_s: f64| (time_s * f64::from(rendered.rate_hz)).round() as usize * 2;
    let slice = |samples: &[f32]| {
        rms(&samples[place(start_s).min(samples.len())..place(end_s).min(samples.len())])
    };
    let mix = slice(&rendered.mix);
    let mut instruments: Vec<Instrument> = rendered
        .stems
        .iter()
        .enumerate()
        .filter_map(|(stem, s)| {
            let level = slice(&s.samples);
            // A stem at rest still has a trace of its last tail: nothing to list.
            (level > 1e-6).then(|| {
                let level_db = round(to_db(level / mix.max(1e-9)), 100.0);
                Instrument { stem, label: s.label, level_db, audible: level_db >= AUDIBLE_DB }
            })
        })
        .collect();
    instruments.sort_by(|a, b| b.level_db.total_cmp(&a.level_db));
    Bar {
        bar: bar + 1,
        start_s,
        end_s,
        chords: song.chords[bar].iter().map(|&chord| song.key.chord_name(chord)).collect(),
        section: song.section(bar).to_owned(),
        instruments,
    }
}

fn round(x: f64, steps: f64) -> f64 {
    (x * steps).round() / steps
}

/// Position between two positive bounds on a logarithmic scale, kept within 0..1.
fn between(x: f64, lo: f64, hi: f64) -> f64 {
    (libm::log(x.max(1e-9) / lo) / libm::log(hi / lo)).clamp(0.0, 1.0)
}

/// The stem's colour, on the scales that the clips use.
fn describe(stem: &Stem, rate_hz: u32, onsets_per_s: f64) -> Descriptors {
    let power = spectrum(&stem.samples);
    let width_hz = f64::from(rate_hz) / FRAME as f64;
    let (mut weight, mut moment, mut total, mut warm) = (1e-12, 0.0, 1e-12, 0.0);
    for (bin, p) in power.iter().enumerate().skip(1) {
        let hz = bin as f64 * width_hz;
        // The clips stop at 12 kHz, so this does.
        if hz > 12_000.0 {
            break;
        }
        weight += p.sqrt();
        moment += p.sqrt() * hz;
        total += p;
        if (120.0..=400.0).contains(&hz) {
            warm += p;
        }
    }
    Descriptors {
        brightness: round(between(moment / weight, 200.0, 6000.0), 1000.0),
        warmth: round((warm / total / 0.9).clamp(0.0, 1.0), 1000.0),
        space: round(stem.space, 1000.0),
        dirt: round(
            if stem.label == Label::ElectricGuitar { roughness(&stem.samples) } else { 0.0 },
            1000.0,
        ),
        density: round(between(onsets_per_s, 0.5, 8.0), 1000.0),
    }
}

/// How squashed the wave is, from its crest factor: 12 dB and more is clean, 4 dB is a wall.
fn roughness(samples: &[f32]) -> f64 {
    let peak = samples.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let crest_db = to_db(f64::from(peak) / rms(samples).max(1e-9));
    ((20.0 - crest_db) / 14.0).clamp(0.0, 1.0)
}

const FRAME: usize = 2048;

/// Mean power of Hann-windowed frames of the left and right sum.
fn spectrum(interleaved: &[f32]) -> Vec<f64> {
    let plan = RealFftPlanner::<f32>::new().plan_fft_forward(FRAME);
    let (mut frame, mut bins) = (plan.make_input_vec(), plan.make_output_vec());
    let mut power = vec![0.0; bins.len()];
    let turn = core::f64::consts::TAU / FRAME as f64;
    for block in interleaved.chunks_exact(FRAME * 2) {
        for (i, (y, pair)) in frame.iter_mut().zip(block.chunks_exact(2)).enumerate() {
            *y = (pair[0] + pair[1]) * (0.5 - 0.5 * libm::cos(turn * i as f64)) as f32;
        }
        plan.process(&mut frame, &mut bins).expect("both buffers were made by the plan");
        power.iter_mut().zip(&bins).for_each(|(p, x)| *p += f64::from(x.norm_sqr()));
    }
    power
}
