//! Bars as hosts tell them, straight and crooked.

use super::*;
use crate::meter::Meter;

mod host;
mod random;

const RATE_HZ: f64 = 48_000.0;

/// A feed made by hand: blocks of ones, each with its own mark.
struct Script {
    clock: BarClock,
    events: Vec<BarEvent>,
    frame: u64,
    channels: usize,
}

impl Script {
    fn new() -> Self {
        Self { clock: BarClock::new(RATE_HZ), events: Vec::new(), frame: 0, channels: 1 }
    }

    fn push(&mut self, frames: usize, level: f32, transport: Transport) -> &mut Self {
        self.push_after_loss(0, frames, level, transport)
    }

    fn push_after_loss(
        &mut self,
        lost_frames: u64,
        frames: usize,
        level: f32,
        transport: Transport,
    ) -> &mut Self {
        self.frame += lost_frames;
        let mark = Mark { frame: self.frame, lost_frames, transport };
        let samples = vec![level; frames * self.channels];
        let chunk = Chunk { mark, offset_frames: 0, channels: self.channels, samples: &samples };
        self.clock.push(&chunk, &mut self.events);
        self.frame += frames as u64;
        self
    }

    fn finish(&mut self) -> Vec<BarEvent> {
        self.clock.finish(&mut self.events);
        std::mem::take(&mut self.events)
    }

    /// What is left of the bars: start, number, frames `[from, to)`, completeness.
    fn bars(&mut self) -> Vec<(f64, Option<i64>, u64, u64, bool)> {
        let ended = |event: &BarEvent| match *event {
            BarEvent::BarEnded { frame, bar, complete } => {
                Some((bar.key.quarters(), bar.number, bar.frame, frame, complete))
            }
            _ => None,
        };
        self.finish().iter().filter_map(ended).collect()
    }
}

/// 120 BPM at 48 kHz: 24 000 frames a quarter note. The claim is right.
fn at(position: i64, numerator: i32) -> Transport {
    let quarters = position as f64 / 24_000.0;
    let length = f64::from(numerator);
    Transport {
        playing: true,
        position: Some(position),
        tempo_bpm: Some(120.0),
        meter: Meter::new(numerator, 4),
        position_quarters: Some(quarters),
        bar_start_quarters: Some((quarters / length).floor() * length),
        offline: false,
    }
}

#[test]
fn bars_from_the_start_are_numbered_and_complete() {
    let bars = Script::new().push(250_000, 1.0, at(0, 4)).bars();
    assert_eq!(
        bars,
        [
            (0.0, Some(1), 0, 96_000, true),
            (4.0, Some(2), 96_000, 192_000, true),
            (8.0, Some(3), 192_000, 250_000, false),
        ]
    );
}

#[test]
fn what_starts_in_the_middle_has_bars_without_numbers() {
    let bars = Script::new().push(96_000, 1.0, at(1_000_000, 4)).bars();
    assert_eq!(bars, [(40.0, None, 0, 56_000, false), (44.0, None, 56_000, 96_000, false)]);
    let events = Script::new().push(10, 1.0, at(1_000_000, 4)).finish();
    assert!(matches!(events[1], BarEvent::BarStarted { bar } if bar.position == Some(960_000)));
}

#[test]
fn a_loop_is_a_new_pass_over_the_same_bars() {
    let mut script = Script::new();
    script.push(192_000, 1.0, at(0, 4)).push(96_000, 1.0, at(96_000, 4));
    script.push(96_000, 1.0, at(96_000, 4)).push(9, 1.0, at(5_000_000, 4));
    let events = script.finish();
    let passes = |event: &&BarEvent| matches!(event, BarEvent::PassStarted { .. });
    assert_eq!(events.iter().filter(passes).count(), 4);
    let numbers: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            BarEvent::BarEnded { bar, complete, .. } => Some((bar.number, *complete)),
            _ => None,
        })
        .collect();
    assert_eq!(
        numbers,
        [(Some(1), true), (Some(2), true), (Some(2), true), (Some(2), true), (None, false)]
    );
}

#[test]
fn ardour_begins_before_zero_and_names_the_next_bar() {
    // Its claims are 4 x the 1-based bar, its tempo and places are rounded, its first block is at -768.
    let ardour = |position: i64, numerator: i32| {
        let exact = at(position, numerator);
        let ticks = (exact.position_quarters.unwrap() * TICKS_PER_QUARTER).round();
        let quarters = ticks / TICKS_PER_QUARTER;
        let bar = (quarters / f64::from(numerator)).floor() + 1.0;
        Transport {
            tempo_bpm: Some(120.000_000_093_5),
            position_quarters: Some(quarters),
            bar_start_quarters: Some(4.0 * bar),
            ..exact
        }
    };
    for numerator in 2..=12 {
        let mut script = Script::new();
        let stopped = Transport { playing: false, ..ardour(256, numerator) };
        script.push(1_024, 0.0, stopped).push(768, 0.0, ardour(-768, numerator));
        script.push(256, 1.0, ardour(0, numerator));
        for position in (256..1_300_000).step_by(1_024) {
            script.push(1_024, 1.0, ardour(position, numerator));
        }
        let bars = script.bars();
        let length = u64::try_from(numerator).unwrap() * 24_000;
        let (start, number, from, to, complete) = bars[0];
        assert_eq!((start, number, complete), (-f64::from(numerator), Some(0), false));
        assert!(from == 1_024 && to.abs_diff(1_792) <= 13, "a tick is 12.5 frames: {to}");
        for (index, bar) in bars[1..bars.len() - 1].iter().enumerate() {
            let (start, number, from, to, complete) = *bar;
            assert_eq!(start, f64::from(index as i32 * numerator), "{numerator}/4");
            assert_eq!(number, Some(index as i64 + 1));
            let line = 1_792 + index as u64 * length;
            assert!(from.abs_diff(line) <= 13, "{from} {line}");
            assert!(to.abs_diff(line + length) <= 13 && complete);
        }
    }
}

/// A block that begins a tick before a line, in a host whose claim is always the next bar's start.
#[test]
fn a_rounded_place_moves_no_line_by_more_than_a_tick() {
    let rate_hz = 44_100.0;
    let tick_frames = 60.0 * rate_hz / (120.0 * TICKS_PER_QUARTER);
    let mut clock = BarClock::new(rate_hz);
    let mut events = Vec::new();
    let samples = [1.0; 1024];
    let mut frame = 0;
    for position in (-768..22_050 * 24).step_by(1024) {
        let ticks = (f64::from(position) / tick_frames).round();
        let bar = (ticks / 7680.0).floor();
        let transport = Transport {
            position: Some(position.into()),
            position_quarters: Some(ticks / TICKS_PER_QUARTER),
            bar_start_quarters: Some(4.0 * (bar + 1.0)),
            ..at(0, 4)
        };
        let mark = Mark { frame, lost_frames: 0, transport };
        clock.push(&Chunk { mark, offset_frames: 0, channels: 1, samples: &samples }, &mut events);
        frame += 1024;
    }
    let mut lines = 0;
    for event in &events {
        if let BarEvent::BarEnded { bar, complete: true, .. } = event {
            let expected = bar.key.quarters() * 22_050.0;
            let told = bar.position.unwrap() as f64;
            assert!((told - expected).abs() <= tick_frames, "{told} for {expected}");
            assert_eq!(bar.number, Some(lines + 1));
            lines += 1;
        }
    }
    assert_eq!(lines, 6);
}

#[test]
fn the_first_block_without_a_transport_is_the_songs_beginning() {
    let mut script = Script::new();
    script.push(512, 1.0, Transport::default()).push(99_488, 1.0, at(512, 4));
    let events = script.finish();
    let kind = PassKind::Song(Some(0));
    assert_eq!(events[0], BarEvent::PassStarted { frame: 0, kind });
    assert!(matches!(events[2], BarEvent::BarEnded { frame: 96_000, complete: true, .. }));
    // Where the song is elsewhere, the block was what it seemed.
    let mut script = Script::new();
    script.push(512, 1.0, Transport::default()).push(512, 1.0, at(96_000, 4));
    let kind = PassKind::Free;
    assert_eq!(
        script.finish()[..2],
        [BarEvent::PassStarted { frame: 0, kind }, BarEvent::PassEnded { frame: 512 },]
    );
}

#[test]
fn sound_without_a_transport_is_a_free_pass_and_silence_is_nothing() {
    let stopped = Transport { position: Some(0), ..Transport::default() };
    let mut script = Script::new();
    script.channels = 2;
    assert_eq!(script.push(480_000, 1e-5, stopped).finish(), []);
    let mut script = Script::new();
    script.push(1_000, 0.0, stopped).push(5_000, 0.5, stopped).push(50_000, 0.0, stopped);
    script.push(100, -0.5, stopped).push(96_000, 0.0, stopped).push(1, 0.0, stopped);
    script.push(7, 0.5, stopped).push(500, 0.0, at(0, 4));
    let events = script.finish();
    assert_eq!(
        events[..5],
        [
            BarEvent::PassStarted { frame: 1_000, kind: PassKind::Free },
            BarEvent::PassEnded { frame: 56_100 },
            BarEvent::PassStarted { frame: 152_101, kind: PassKind::Free },
            BarEvent::PassEnded { frame: 152_108 },
            BarEvent::PassStarted { frame: 152_108, kind: PassKind::Song(Some(0)) },
        ]
    );
}

#[test]
fn a_gap_breaks_its_bar_and_no_other() {
    let mut script = Script::new();
    script.push(100_000, 1.0, at(0, 4)).push_after_loss(50_000, 200_000, 1.0, at(150_000, 4));
    assert_eq!(
        script.bars(),
        [
            (0.0, Some(1), 0, 96_000, true),
            (4.0, Some(2), 96_000, 192_000, false),
            (8.0, Some(3), 192_000, 288_000, true),
            (12.0, Some(4), 288_000, 350_000, false),
        ]
    );
    // From inside of the first bar to the fourth's line: bars 2 and 3 were not heard at all.
    let mut script = Script::new();
    script.push(96_000, 1.0, at(0, 4)).push_after_loss(192_000, 96_000, 1.0, at(288_000, 4));
    assert_eq!(
        script.bars(),
        [(0.0, Some(1), 0, 96_000, true), (12.0, Some(4), 288_000, 384_000, true)]
    );
}

#[test]
fn tempo_and_meter_change_at_block_borders() {
    let mut script = Script::new();
    script.push(96_000, 1.0, at(0, 4));
    // 3/4 from here, at 60 BPM; the host tells it in the block that begins 100 frames after the line.
    let late = Transport {
        position: Some(96_100),
        position_quarters: Some(4.0 + 100.0 / 48_000.0),
        bar_start_quarters: Some(4.0),
        tempo_bpm: Some(60.0),
        meter: Meter::new(3, 4),
        ..at(0, 4)
    };
    script.push(100, 1.0, at(96_000, 4)).push(300_000, 1.0, late);
    assert_eq!(
        script.bars(),
        [
            (0.0, Some(1), 0, 96_000, true),
            (4.0, Some(2), 96_000, 240_000, true),
            (7.0, Some(3), 240_000, 384_000, true),
            (10.0, Some(4), 384_000, 396_100, false),
        ]
    );
}

#[test]
fn a_bar_cut_short_by_the_hosts_word_is_a_bar() {
    let mut script = Script::new();
    let odd = Transport { bar_start_quarters: Some(2.0), ..at(48_000, 4) };
    script.push(48_000, 1.0, at(0, 4)).push(100_000, 1.0, odd);
    assert_eq!(
        script.bars(),
        [
            (0.0, Some(1), 0, 48_000, true),
            (2.0, Some(2), 48_000, 144_000, true),
            (6.0, Some(3), 144_000, 148_000, false),
        ]
    );
}

#[test]
fn places_without_music_make_passes_without_bars() {
    let mut script = Script::new();
    let plain =
        |position| Transport { playing: true, position: Some(position), ..Transport::default() };
    script.push(100, 1.0, plain(0)).push(100, 1.0, plain(100)).push(5, 0.0, plain(50));
    let kind = |position| PassKind::Song(Some(position));
    assert_eq!(
        script.finish(),
        [
            BarEvent::PassStarted { frame: 0, kind: kind(0) },
            BarEvent::PassEnded { frame: 200 },
            BarEvent::PassStarted { frame: 200, kind: kind(50) },
            BarEvent::PassEnded { frame: 205 },
        ]
    );
    // No place at all: nothing says that the song doesn't go on.
    let blind = Transport { playing: true, ..Transport::default() };
    let events = Script::new().push(10, 1.0, blind).push(10, 1.0, blind).finish();
    assert_eq!(events.len(), 2);
}

#[test]
fn positions_that_follow_the_tempo_dont_break_the_music() {
    // CLAP hosts without a timeline in seconds: the wrapper computes samples from quarters and the tempo of the moment.
    let computed = |quarters: f64, tempo_bpm: f64| Transport {
        position: Some((quarters * 60.0 / tempo_bpm * RATE_HZ).round() as i64),
        position_quarters: Some(quarters),
        tempo_bpm: Some(tempo_bpm),
        bar_start_quarters: Some(0.0),
        ..at(0, 4)
    };
    let mut script = Script::new();
    script.push(48_000, 1.0, computed(0.0, 120.0)).push(96_000, 1.0, computed(2.0, 60.0));
    assert_eq!(script.bars()[0], (0.0, Some(1), 0, 144_000, true));
}
