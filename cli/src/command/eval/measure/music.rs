//! Tempo, beats, meter, key, chords and sections of songs that the factory composed, and how much their confidence is worth.

use std::ops::Range;

use analysis::Meter;
use factory::song::Song;
use factory::theory::{Mode, Quality};

use super::{Row, mir};
use crate::session::Session;

/// As most files have it.
const RATE_HZ: u32 = 44_100;

#[derive(Default)]
struct Scores {
    count: usize,
    tempo: usize,
    tempo_or_octave: usize,
    beats: f64,
    downbeats: f64,
    meter: usize,
    key: f64,
    chords: f64,
    sections: f64,
    /// How sure, and whether right.
    tempo_said: Vec<(f64, bool)>,
    meter_said: Vec<(f64, bool)>,
    key_said: Vec<(f64, bool)>,
    chords_said: Vec<(f64, bool)>,
}

pub(super) fn rows(session: &Session, seeds: Range<u64>) -> anyhow::Result<Vec<Row>> {
    let total = (seeds.end - seeds.start) as usize;
    let mut scores = Scores::default();
    for (index, seed) in seeds.enumerate() {
        session.step(index, total, &format!("song {seed}"));
        scores.add(&Song::compose(seed))?;
    }
    session.step(total, total, "");
    Ok(scores.rows())
}

impl Scores {
    fn add(&mut self, song: &Song) -> anyhow::Result<()> {
        let rendered = song.render(RATE_HZ, &factory::voice::procedural);
        let mut meter = Meter::new(RATE_HZ, 2)?;
        meter.push(&rendered.mix)?;
        let measured = meter.finish();
        self.count += 1;

        let beat_s = song.meter.beat_quarters() * 60.0 / song.tempo_bpm;
        let (right, or_octave) = mir::tempo(60.0 / beat_s, measured.tempo_bpm);
        self.tempo += usize::from(right);
        self.tempo_or_octave += usize::from(or_octave);
        let sure = |confidence: Option<f64>| confidence.unwrap_or(0.0);
        self.tempo_said.push((sure(measured.tempo_confidence), right));
        let beats = (song.bars() as f64 * song.bar_s() / beat_s).round() as usize;
        let truth_s: Vec<f64> = (0..beats).map(|beat| beat as f64 * beat_s).collect();
        self.beats += mir::beats(&truth_s, &measured.beats_s);
        let bars_s: Vec<f64> = (0..song.bars()).map(|bar| bar as f64 * song.bar_s()).collect();
        self.downbeats += mir::beats(&bars_s, &measured.downbeats_s);
        let meter_right = measured.meter.as_deref() == Some(song.meter.to_string().as_str());
        self.meter += usize::from(meter_right);
        self.meter_said.push((sure(measured.meter_confidence), meter_right));

        let truth = (song.key.tonic, song.key.mode == Mode::Minor);
        let score = mir::key_score(truth, measured.key.as_deref().and_then(mir::key));
        self.key += score;
        self.key_said.push((sure(measured.key_confidence), score == 1.0));
        let truth = true_chords(song);
        let mut found = Vec::new();
        for chord in &measured.chords {
            let Some(triad) = mir::triad(&chord.name) else { continue };
            found.push((chord.start_s, chord.end_s, triad));
            self.chords_said.extend(
                truth
                    .iter()
                    .filter(|(start_s, end_s, _)| {
                        (chord.start_s..chord.end_s).contains(&f64::midpoint(*start_s, *end_s))
                    })
                    .filter_map(|(_, _, truth)| Some((chord.confidence, (*truth)? == triad))),
            );
        }
        self.chords += mir::chords(&truth, &found);

        let starts = song.sections.iter().skip(1);
        let truth_s: Vec<f64> = starts.map(|s| s.first_bar as f64 * song.bar_s()).collect();
        let found_s: Vec<f64> = measured.sections.iter().skip(1).map(|s| s.start_s).collect();
        self.sections += mir::boundaries(&truth_s, &found_s);
        Ok(())
    }

    fn rows(self) -> Vec<Row> {
        let mean = |sum: f64| (self.count > 0).then(|| sum / self.count as f64);
        let row = |item: &str, sum: f64| Row::new("songs", item, self.count, mean(sum));
        let mut rows = vec![
            row("tempo within 4 %", self.tempo as f64).goal(0.9),
            row("tempo within 4 %, or an octave off", self.tempo_or_octave as f64),
            row("beat F-measure", self.beats).goal(0.85),
            row("downbeat F-measure", self.downbeats),
            row("meter", self.meter as f64),
            row("key, weighted", self.key).goal(0.8),
            row("chords, major and minor overlap", self.chords).goal(0.65),
            row("sections, boundaries within 3 s, F-measure", self.sections),
        ];
        let said = [
            ("tempo", &self.tempo_said),
            ("meter", &self.meter_said),
            ("key", &self.key_said),
            ("chord", &self.chords_said),
        ];
        for (what, said) in said {
            let bins = mir::reliability(said).into_iter().filter(|(count, ..)| *count > 0);
            rows.extend(bins.map(|(count, sure, right)| {
                let item = format!("{what} right, said with {sure:.2}");
                Row { goal: Some(sure), ..Row::new("reliability", item, count, Some(right)) }
            }));
        }
        rows
    }
}

/// The song's chords: those of a bar share it evenly.
fn true_chords(song: &Song) -> Vec<(f64, f64, Option<mir::Triad>)> {
    let mut spans = Vec::new();
    for (bar, chords) in song.chords.iter().enumerate() {
        let each_s = song.bar_s() / chords.len().max(1) as f64;
        for (index, chord) in chords.iter().enumerate() {
            let start_s = bar as f64 * song.bar_s() + index as f64 * each_s;
            let triad = match chord.quality {
                Quality::Major => Some((chord.root, false)),
                Quality::Minor => Some((chord.root, true)),
                Quality::Diminished => None,
            };
            spans.push((start_s, start_s + each_s, triad));
        }
    }
    spans
}
