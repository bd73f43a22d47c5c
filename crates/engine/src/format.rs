//! Writers of a timeline's captions for players, editors and workstations. JSON is the full form, all others follow from
//! the same timeline. Times count from the start of the file, or of the render; in the formats that workstations import
//! (REAPER's regions, Audacity's labels, MIDI) from the start of the project, where that is known.

mod csv;
mod cue;
mod json;
mod labels;
mod lrc;
mod midi;
mod srt;
mod vtt;
mod wave;

pub use cue::{Cue, cues};
pub use wave::{WaveError, embed};

use serde::{Deserialize, Serialize};

use crate::timeline::Timeline;

/// A caption file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Everything, as `barline caption --json` prints it.
    Json,
    /// WebVTT (W3C), for web players.
    Vtt,
    /// SubRip, for video tools: UTF-8 without byte order mark.
    Srt,
    /// Timed lyrics, for music players.
    Lrc,
    /// REAPER's region list, `#,Name,Start,End,Length`.
    Csv,
    /// Audacity's label track.
    Labels,
    /// A standard MIDI file with markers, which any workstation imports.
    Midi,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Json, Self::Vtt, Self::Srt, Self::Lrc, Self::Csv, Self::Labels, Self::Midi];

    /// The tool or standard that it is for, in the user's words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Vtt => "WebVTT",
            Self::Srt => "SubRip",
            Self::Lrc => "LRC lyrics",
            Self::Csv => "REAPER regions",
            Self::Labels => "Audacity labels",
            Self::Midi => "MIDI markers",
        }
    }

    /// The extension of the file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Lrc => "lrc",
            Self::Csv => "csv",
            Self::Labels => "txt",
            Self::Midi => "mid",
        }
    }

    /// The file's bytes; `title` names the song where the format has a place for that.
    pub fn write(self, timeline: &Timeline, title: &str) -> Vec<u8> {
        match self {
            Self::Json => json::write(timeline, title).into_bytes(),
            Self::Vtt => vtt::write(&cues(timeline)).into_bytes(),
            Self::Srt => srt::write(&cues(timeline)).into_bytes(),
            Self::Lrc => lrc::write(timeline, title).into_bytes(),
            Self::Csv => csv::write(&timeline.in_project()).into_bytes(),
            Self::Labels => labels::write(&timeline.in_project()).into_bytes(),
            Self::Midi => midi::write(&timeline.in_project(), title),
        }
    }
}

/// A text on one line, without control characters.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Milliseconds of a time in seconds, never negative.
fn millis(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1000.0).round() as u64
}

/// `h`, `m`, `s`, `ms` of a number of milliseconds.
fn clock(millis: u64) -> (u64, u64, u64, u64) {
    (millis / 3_600_000, millis / 60_000 % 60, millis / 1000 % 60, millis % 1000)
}

#[cfg(test)]
mod tests;
