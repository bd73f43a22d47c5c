//! A standard MIDI file of one track: the tempo map, a marker for each caption, a cue point for each section.

use midly::{
    Format, Header, MetaMessage, Smf, Timing, TrackEvent, TrackEventKind,
    num::{u15, u24, u28},
};

use super::one_line;
use crate::timeline::Timeline;

/// Ticks in a quarter note.
const PPQ: u16 = 960;

/// Where the file has no steady tempo, so that a workstation's grid is at least a round one.
const DEFAULT_BPM: f64 = 120.0;

/// Longest time between two events that the format can write, in ticks.
const MAX_DELTA: u64 = (1 << 28) - 1;

/// A stretch of one tempo, which the file states in whole microseconds a quarter note: times are exact at that.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start_s: f64,
    start_ticks: f64,
    micros: u32,
    meter: (u8, u8),
}

impl Stretch {
    fn ticks(&self, seconds: f64) -> f64 {
        self.start_ticks + (seconds - self.start_s) * 1e6 / f64::from(self.micros) * f64::from(PPQ)
    }

    fn seconds(&self, ticks: f64) -> f64 {
        self.start_s + (ticks - self.start_ticks) / f64::from(PPQ) * f64::from(self.micros) / 1e6
    }
}

/// The tempo map from the file's zero on, at least one stretch.
fn stretches(timeline: &Timeline) -> Vec<Stretch> {
    let micros = |bpm: f64| {
        let sane = Some(bpm).filter(|bpm| (4.0..=1000.0).contains(bpm));
        (60e6 / sane.unwrap_or(DEFAULT_BPM)).round() as u32
    };
    // Where no tempo is known, no bar would line up: a round grid needs no meter of its own either.
    let (bpm, beats) = timeline
        .tempo_bpm
        .map_or((DEFAULT_BPM, 4), |bpm| (bpm, timeline.beats_per_bar.clamp(1, 32)));
    let first = timeline.tempo_map.first();
    let mut out = vec![Stretch {
        start_s: 0.0,
        start_ticks: 0.0,
        micros: micros(first.map_or(bpm, |mark| mark.bpm)),
        meter: first
            .map_or((beats as u8, 4), |mark| (mark.meter.numerator(), mark.meter.denominator())),
    }];
    for mark in timeline.tempo_map.iter().skip(1) {
        let last = out[out.len() - 1];
        let start_ticks = last.ticks(mark.start_s.max(last.start_s)).round();
        out.push(Stretch {
            // The moment of the whole tick, so that a thousand roundings don't add up.
            start_s: last.seconds(start_ticks),
            start_ticks,
            micros: micros(mark.bpm),
            meter: (mark.meter.numerator(), mark.meter.denominator()),
        });
    }
    out
}

/// What happens at a tick.
#[derive(Clone, Debug)]
enum Event {
    Tempo(u32, (u8, u8)),
    Segment(String),
    Caption(String),
}

/// The captions as a MIDI file.
pub(super) fn write(timeline: &Timeline, title: &str) -> Vec<u8> {
    let stretches = stretches(timeline);
    let ticks = |seconds: f64| {
        let seconds = seconds.max(0.0);
        let at = stretches.partition_point(|stretch| stretch.start_s <= seconds).max(1) - 1;
        stretches[at].ticks(seconds).round() as u64
    };
    let title = one_line(title);
    let tempi = stretches.iter().map(|s| (s.start_ticks as u64, Event::Tempo(s.micros, s.meter)));
    let segments = timeline.segments.iter();
    let segments = segments.map(|s| (ticks(s.start_s), Event::Segment(one_line(&s.name))));
    let captions = timeline.captions.iter();
    let captions = captions.map(|c| (ticks(c.start_s), Event::Caption(one_line(&c.text))));
    let mut events: Vec<(u64, Event)> = tempi.chain(segments).chain(captions).collect();
    events.sort_by_key(|event| event.0);
    let end = events.last().map_or(0, |event| event.0).max(ticks(timeline.duration_s));

    let meta = |delta: u64, message| TrackEvent {
        delta: u28::new(delta as u32),
        kind: TrackEventKind::Meta(message),
    };
    let mut track = vec![meta(0, MetaMessage::TrackName(title.as_bytes()))];
    let mut now = 0;
    for (at, event) in &events {
        advance(&mut track, &mut now, *at);
        match event {
            Event::Tempo(micros, (beats, unit)) => {
                track.push(meta(at - now, MetaMessage::Tempo(u24::new(*micros))));
                // Numerator, denominator as a power of two, clocks a click, 32nds a quarter.
                let power = unit.trailing_zeros() as u8;
                track.push(meta(0, MetaMessage::TimeSignature(*beats, power, 24, 8)));
            }
            Event::Segment(text) => {
                track.push(meta(at - now, MetaMessage::CuePoint(text.as_bytes())));
            }
            Event::Caption(text) => {
                track.push(meta(at - now, MetaMessage::Marker(text.as_bytes())));
            }
        }
        now = *at;
    }
    advance(&mut track, &mut now, end);
    track.push(meta(end - now, MetaMessage::EndOfTrack));

    let header = Header::new(Format::SingleTrack, Timing::Metrical(u15::new(PPQ)));
    let mut out = Vec::new();
    let smf = Smf { header, tracks: vec![track] };
    smf.write_std(&mut out)
        .expect("a vector takes every byte, and no event is larger than the format allows");
    out
}

/// Crosses times longer than one event can with empty texts.
fn advance(track: &mut Vec<TrackEvent<'_>>, now: &mut u64, at: u64) {
    while at - *now > MAX_DELTA {
        let kind = TrackEventKind::Meta(MetaMessage::Text(b""));
        track.push(TrackEvent { delta: u28::new(MAX_DELTA as u32), kind });
        *now += MAX_DELTA;
    }
}
