//! The closed vocabulary of stem labels, shared by the label head, the captions' scoring and the factory's truth.

use serde::{Deserialize, Serialize};

/// What a stem is. The kebab-case names are a fixed contract of `barline label`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants are the labels themselves")]
pub enum Label {
    Kick,
    Snare,
    HiHat,
    Cymbals,
    Toms,
    Percussion,
    Drums,
    Bass,
    ElectricGuitar,
    AcousticGuitar,
    Piano,
    ElectricPiano,
    Organ,
    SynthLead,
    SynthPad,
    Strings,
    Brass,
    Woodwinds,
    Mallets,
    Vocals,
    Speech,
    Fx,
    FullMix,
}

impl Label {
    /// Every label, in the order of the label head's outputs.
    pub const ALL: [Self; 23] = [
        Self::Kick,
        Self::Snare,
        Self::HiHat,
        Self::Cymbals,
        Self::Toms,
        Self::Percussion,
        Self::Drums,
        Self::Bass,
        Self::ElectricGuitar,
        Self::AcousticGuitar,
        Self::Piano,
        Self::ElectricPiano,
        Self::Organ,
        Self::SynthLead,
        Self::SynthPad,
        Self::Strings,
        Self::Brass,
        Self::Woodwinds,
        Self::Mallets,
        Self::Vocals,
        Self::Speech,
        Self::Fx,
        Self::FullMix,
    ];

    /// The label's name in JSON, file names and model folders, e.g. `hi-hat`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kick => "kick",
            Self::Snare => "snare",
            Self::HiHat => "hi-hat",
            Self::Cymbals => "cymbals",
            Self::Toms => "toms",
            Self::Percussion => "percussion",
            Self::Drums => "drums",
            Self::Bass => "bass",
            Self::ElectricGuitar => "electric-guitar",
            Self::AcousticGuitar => "acoustic-guitar",
            Self::Piano => "piano",
            Self::ElectricPiano => "electric-piano",
            Self::Organ => "organ",
            Self::SynthLead => "synth-lead",
            Self::SynthPad => "synth-pad",
            Self::Strings => "strings",
            Self::Brass => "brass",
            Self::Woodwinds => "woodwinds",
            Self::Mallets => "mallets",
            Self::Vocals => "vocals",
            Self::Speech => "speech",
            Self::Fx => "fx",
            Self::FullMix => "full-mix",
        }
    }

    /// The label of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }

    /// The group of instruments it belongs to, one of ten.
    pub fn group(self) -> &'static str {
        match self {
            Self::Kick
            | Self::Snare
            | Self::HiHat
            | Self::Cymbals
            | Self::Toms
            | Self::Percussion
            | Self::Drums => "drums and percussion",
            Self::Bass => "bass",
            Self::ElectricGuitar | Self::AcousticGuitar => "guitars",
            Self::Piano | Self::ElectricPiano | Self::Organ | Self::Mallets => "keys",
            Self::SynthLead | Self::SynthPad => "synths",
            Self::Strings => "strings",
            Self::Brass | Self::Woodwinds => "winds",
            Self::Vocals | Self::Speech => "voice",
            Self::Fx => "fx",
            Self::FullMix => "full mix",
        }
    }

    /// What it is called in a mix, where the pieces of a kit are the drums.
    pub fn in_mix(self) -> Self {
        if self.is_kit_piece() { Self::Drums } else { self }
    }

    /// Whether it plays notes that have a pitch: not drums, talk, effects and mixes.
    pub fn is_pitched(self) -> bool {
        let noise = matches!(
            self,
            Self::Drums | Self::Percussion | Self::Speech | Self::Fx | Self::FullMix
        );
        !noise && !self.is_kit_piece()
    }

    /// Whether a note of it lasts as long as it is played, rather than rings as it likes.
    pub fn holds_notes(self) -> bool {
        self.is_pitched() && self != Self::Mallets
    }

    /// Whether it has strings that a stroke of the hand sounds one after the other.
    pub fn is_strummed(self) -> bool {
        matches!(self, Self::ElectricGuitar | Self::AcousticGuitar)
    }

    /// Whether the label is one piece of a drum kit, which a mix's caption calls `drums`.
    pub fn is_kit_piece(self) -> bool {
        matches!(self, Self::Kick | Self::Snare | Self::HiHat | Self::Cymbals | Self::Toms)
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
