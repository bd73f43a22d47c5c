//! Where pieces are missing that the tap did not lose: what comes next becomes a run of its own, after a gap, so that whoever
//! follows the song hears of it as of any other. `[session-thread]`

use signal::{BarKey, Mark, Transport};

use super::Piece;

/// A place this near to a tick, in quarter notes, is one that a host has rounded: a ten-thousandth of a tick.
const ROUNDED_QUARTERS: f64 = 5e-8;

/// Sees that the pieces of one generation follow each other.
#[derive(Debug)]
pub(in crate::session) struct Seam {
    rate_hz: f64,
    /// The frame that comes next, where it is known.
    next_frame: Option<u64>,
    /// The run whose beginning is missing, by its first frame, and the mark that stands in for its own.
    instead: Option<(u64, Mark)>,
}

impl Seam {
    /// One for a generation of this rate.
    pub(in crate::session) fn new(rate_hz: f64) -> Self {
        Self { rate_hz, next_frame: None, instead: None }
    }

    /// The frame that comes next, where it is known.
    pub(in crate::session) fn next_frame(&self) -> Option<u64> {
        self.next_frame
    }

    /// Takes the next piece and gives it with the mark that holds for it.
    pub(in crate::session) fn join(&mut self, piece: Piece) -> Piece {
        let chunk = piece.chunk();
        let (run, frame) = (chunk.mark.frame, chunk.frame());
        let missing_frames = self.next_frame.map_or(0, |next| frame.saturating_sub(next));
        let told_frames = if chunk.offset_frames == 0 { chunk.mark.lost_frames } else { 0 };
        self.next_frame = Some(frame + chunk.frames() as u64);
        if missing_frames > told_frames {
            let transport = later(chunk.mark.transport, chunk.offset_frames, self.rate_hz);
            self.instead = Some((run, Mark { frame, lost_frames: missing_frames, transport }));
        }
        match self.instead {
            Some((of, mark)) if of == run => {
                Piece { mark, offset_frames: frame - mark.frame, ..piece }
            }
            _ => piece,
        }
    }
}

/// What a host that said this would have said so many frames on. It would have said nothing of a bar: what it claimed of one may
/// have been wrong, and would look right now.
fn later(told: Transport, frames: u64, rate_hz: f64) -> Transport {
    let moved = if told.playing { frames } else { 0 };
    let on = |(place, tempo_bpm): (f64, f64)| {
        let next = place + moved as f64 * tempo_bpm / (60.0 * rate_hz);
        // A host that rounds goes on rounding: a place between two ticks would prove another.
        let ticked = |quarters: f64| BarKey::from_quarters(quarters).quarters();
        if (ticked(place) - place).abs() < ROUNDED_QUARTERS { ticked(next) } else { next }
    };
    Transport {
        position: told.position.map(|at| at.saturating_add_unsigned(moved)),
        position_quarters: told.position_quarters.zip(told.tempo_bpm).map(on),
        bar_start_quarters: None,
        ..told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    /// 120 BPM; a quarter note is 24 000 frames.
    fn piece(run: u64, offset_frames: u64, lost_frames: u64, frames: usize) -> Piece {
        let transport = Transport {
            playing: true,
            position: Some(run as i64 + 100),
            tempo_bpm: Some(120.0),
            position_quarters: Some(2.0),
            bar_start_quarters: Some(0.0),
            ..Transport::default()
        };
        let mark = Mark { frame: run, lost_frames, transport };
        Piece::kept(mark, offset_frames, 1, vec![0.5; frames])
    }

    #[test]
    fn what_follows_stays_as_it_is() {
        let mut seam = Seam::new(RATE_HZ);
        for piece in
            [piece(7, 3, 0, 90), piece(7, 93, 0, 7), piece(107, 0, 0, 9), piece(150, 0, 34, 1)]
        {
            assert_eq!(seam.join(piece.clone()), piece);
        }
        assert_eq!(seam.next_frame(), Some(151));
    }

    #[test]
    fn after_missing_pieces_a_run_begins_where_the_song_is() {
        let mut seam = Seam::new(RATE_HZ);
        seam.join(piece(0, 0, 0, 1_000));
        for (offset_frames, since) in [(24_000, 0), (25_000, 1_000)] {
            let chunk = seam.join(piece(0, offset_frames, 0, 1_000));
            let Mark { frame, lost_frames, transport } = chunk.mark;
            assert_eq!((frame, lost_frames, chunk.offset_frames), (24_000, 23_000, since));
            assert_eq!(
                (transport.position, transport.position_quarters),
                (Some(24_100), Some(3.0))
            );
            assert_eq!(transport.bar_start_quarters, None);
        }
        // The next run has its own word again.
        assert_eq!(seam.join(piece(26_000, 0, 0, 1)), piece(26_000, 0, 0, 1));
    }

    #[test]
    fn a_run_that_begins_after_missing_pieces_tells_all_that_is() {
        let mut seam = Seam::new(RATE_HZ);
        seam.join(piece(0, 0, 0, 1_000));
        let mark = seam.join(piece(3_000, 0, 500, 10)).mark;
        assert_eq!(
            (mark.frame, mark.lost_frames, mark.transport.position),
            (3_000, 2_000, Some(3_100))
        );
    }

    #[test]
    fn a_host_that_rounds_to_ticks_goes_on_rounding() {
        let told = piece(0, 0, 0, 1).mark.transport;
        assert_eq!(later(told, 100, RATE_HZ).position_quarters, Some(2.0 + 8.0 / 1920.0));
        let exact = Transport { position_quarters: Some(2.000_1), ..told };
        let place = later(exact, 100, RATE_HZ).position_quarters.unwrap();
        assert!((place - 2.000_1 - 100.0 / 24_000.0).abs() < 1e-12, "{place}");
    }
}
