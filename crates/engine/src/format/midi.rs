//! A standard MIDI file of one track: tempo and meter, a marker for each caption, a cue point for each section.

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

/// The captions as a MIDI file. Times are exact at the tempo that the file itself states, which is whole microseconds
/// a quarter note.
pub(super) fn write(timeline: &Timeline, title: &str) -> Vec<u8> {
    let bpm = timeline.tempo_bpm.filter(|bpm| (4.0..=1000.0).contains(bpm)).unwrap_or(DEFAULT_BPM);
    let micros = (60e6 / bpm).round() as u32;
    let ticks =
        |seconds: f64| (seconds.max(0.0) * 1e6 / f64::from(micros) * f64::from(PPQ)).round() as u64;
    let title = one_line(title);
    let captions = timeline.captions.iter().map(|c| (ticks(c.start_s), true, one_line(&c.text)));
    let segments = timeline.segments.iter().map(|s| (ticks(s.start_s), false, one_line(&s.name)));
    let mut events: Vec<(u64, bool, String)> = segments.chain(captions).collect();
    events.sort_by_key(|event| event.0);
    let end = events.last().map_or(0, |event| event.0).max(ticks(timeline.duration_s));

    let meta = |delta: u64, message| TrackEvent {
        delta: u28::new(delta as u32),
        kind: TrackEventKind::Meta(message),
    };
    let beats = timeline.beats_per_bar.clamp(1, 32) as u8;
    let mut track = vec![
        meta(0, MetaMessage::TrackName(title.as_bytes())),
        meta(0, MetaMessage::Tempo(u24::new(micros))),
        // Numerator, denominator as a power of two, clocks a click, 32nds a quarter.
        meta(0, MetaMessage::TimeSignature(beats, 2, 24, 8)),
    ];
    let mut now = 0;
    for (at, marker, text) in &events {
        advance(&mut track, &mut now, *at);
        let message = if *marker {
            MetaMessage::Marker(text.as_bytes())
        } else {
            MetaMessage::CuePoint(text.as_bytes())
        };
        track.push(meta(at - now, message));
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
