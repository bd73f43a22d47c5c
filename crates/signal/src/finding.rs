//! One thing worth an engineer's attention, with its evidence: written by `analysis::detect` and by the engine's
//! comparison of stems, shown by the editor and by `barline advise`, whose JSON these types are.

use serde::{Deserialize, Serialize};

/// What was found. The kebab-case names are a fixed contract of `barline advise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants are the findings themselves")]
pub enum FindingKind {
    Boomy,
    Muddy,
    Boxy,
    Harsh,
    Sibilant,
    Dull,
    Thin,
    Resonance,
    Hum,
    Noise,
    Clipping,
    TruePeakOver,
    DcOffset,
    ChannelImbalance,
    PhaseInverted,
    Narrow,
    WideLowEnd,
    Overcompressed,
    TooLoud,
    TooQuiet,
    Masking,
    Silence,
    TooLittle,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::Boomy,
        Self::Muddy,
        Self::Boxy,
        Self::Harsh,
        Self::Sibilant,
        Self::Dull,
        Self::Thin,
        Self::Resonance,
        Self::Hum,
        Self::Noise,
        Self::Clipping,
        Self::TruePeakOver,
        Self::DcOffset,
        Self::ChannelImbalance,
        Self::PhaseInverted,
        Self::Narrow,
        Self::WideLowEnd,
        Self::Overcompressed,
        Self::TooLoud,
        Self::TooQuiet,
        Self::Masking,
        Self::Silence,
        Self::TooLittle,
    ];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name in JSON, e.g. `true-peak-over`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boomy => "boomy",
            Self::Muddy => "muddy",
            Self::Boxy => "boxy",
            Self::Harsh => "harsh",
            Self::Sibilant => "sibilant",
            Self::Dull => "dull",
            Self::Thin => "thin",
            Self::Resonance => "resonance",
            Self::Hum => "hum",
            Self::Noise => "noise",
            Self::Clipping => "clipping",
            Self::TruePeakOver => "true-peak-over",
            Self::DcOffset => "dc-offset",
            Self::ChannelImbalance => "channel-imbalance",
            Self::PhaseInverted => "phase-inverted",
            Self::Narrow => "narrow",
            Self::WideLowEnd => "wide-low-end",
            Self::Overcompressed => "overcompressed",
            Self::TooLoud => "too-loud",
            Self::TooQuiet => "too-quiet",
            Self::Masking => "masking",
            Self::Silence => "silence",
            Self::TooLittle => "too-little",
        }
    }

    /// Order of work, lowest first: whether there is anything to hear, then level and polarity, then tone, then
    /// polish.
    pub fn priority(self) -> u8 {
        match self {
            Self::Silence | Self::TooLittle => 0,
            Self::PhaseInverted | Self::Clipping => 1,
            Self::DcOffset | Self::ChannelImbalance | Self::TruePeakOver => 2,
            Self::TooLoud | Self::TooQuiet => 3,
            Self::Hum | Self::Noise => 4,
            Self::Masking
            | Self::Resonance
            | Self::Boomy
            | Self::Muddy
            | Self::Boxy
            | Self::Harsh => 5,
            Self::Thin | Self::Dull | Self::Sibilant => 6,
            Self::WideLowEnd | Self::Overcompressed | Self::Narrow => 7,
        }
    }
}

impl std::fmt::Display for FindingKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth a listen.
    Minor,
    /// Most listeners would hear it.
    Clear,
    /// It spoils the track.
    Severe,
}

impl Severity {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Clear => "clear",
            Self::Severe => "severe",
        }
    }
}

/// One measured value behind a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was measured, e.g. `true_peak_dbtp`: a field of [`crate::Measurements`] where there is one.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its unit, e.g. `dBTP`; empty for a plain number.
    pub unit: String,
    /// The standard it follows, e.g. `ITU-R BS.1770-5`; empty for our own measures.
    pub standard: String,
}

impl Evidence {
    /// A measured value.
    pub fn new(name: &str, value: f64, unit: &str, standard: &str) -> Self {
        let (name, unit, standard) = (name.to_owned(), unit.to_owned(), standard.to_owned());
        Self { name, value, unit, standard }
    }

    /// `-2.3 dBFS`, `413 runs`, `0.02`: the value with its unit, as precisely as that unit is meant.
    pub fn words(&self) -> String {
        let Self { value, unit, .. } = self;
        let digits = match unit.as_str() {
            "runs" => 0,
            "" | "s" => 2,
            _ => 1,
        };
        let number = format!("{value:.digits$}");
        // No -0.0: what is rounded to nothing has no sign.
        let is_zero = number.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
        let number = if is_zero { number.trim_start_matches('-') } else { &number };
        if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
    }
}

/// What to do about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the variants are the actions themselves")]
pub enum Action {
    Cut,
    Boost,
    HighPass,
    LowPass,
    Notch,
    Gain,
    Pan,
    InvertPhase,
    MonoBelow,
    Compress,
    Expand,
    Limit,
    DeEss,
    None,
}

/// One move to try.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// What to do.
    pub action: Action,
    /// Centre or corner frequency in Hz, where it has a meaning.
    pub freq_hz: Option<f64>,
    /// Quality factor of the filter, where it has a meaning.
    pub q: Option<f64>,
    /// Gain in dB, where it has a meaning; negative for cut, notch and de-ess.
    pub gain_db: Option<f64>,
}

/// The other track of a finding about two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherTrack {
    /// What it is called.
    pub name: String,
    /// Whether the move is one on that track.
    pub is_moved: bool,
}

/// In how many of the bars that were heard a finding holds: always, mostly, or in one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// Bars in which it was found.
    pub bars: usize,
    /// Bars that were heard.
    pub of: usize,
}

impl Holds {
    /// `this bar only`, `most bars`, `3 of 12 bars`.
    pub fn words(self) -> String {
        match self {
            Self { bars: 1, .. } => "this bar only".to_owned(),
            Self { bars, of } if bars == of => "every bar".to_owned(),
            Self { bars, of } if 2 * bars > of => "most bars".to_owned(),
            Self { bars, of } => format!("{bars} of {of} bars"),
        }
    }
}

/// A filter as narrow as this takes out one tone, whatever is done around it.
const NARROW_Q: f64 = 4.0;

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// How much it matters.
    pub severity: Severity,
    /// How sure we are, 0 to 1.
    pub confidence: f64,
    /// The band it is about, `[low, high]` in Hz.
    pub band_hz: Option<[f64; 2]>,
    /// The other track, where it is about two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<OtherTrack>,
    /// In how many bars it holds, where it is about one bar and others were heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Holds>,
    /// The measurements behind it; every number of `text` is among them, in `band_hz` or in `mv`.
    pub evidence: Vec<Evidence>,
    /// One move to try.
    #[serde(rename = "move")]
    pub mv: Option<Move>,
    /// One or two sentences.
    pub text: String,
}

impl Finding {
    /// A finding of which nothing else is known yet.
    pub fn new(kind: FindingKind, severity: Severity, confidence: f64) -> Self {
        let (band_hz, evidence, mv, text) = (None, Vec::new(), None, String::new());
        let (other, holds) = (None, None);
        Self { kind, severity, confidence, band_hz, other, holds, evidence, mv, text }
    }

    /// Sorts findings by [`FindingKind::priority`], then the graver, then the surer first.
    pub fn sort(findings: &mut [Self]) {
        findings.sort_by(|a, b| {
            (a.kind.priority().cmp(&b.kind.priority()))
                .then(b.severity.cmp(&a.severity))
                .then(b.confidence.total_cmp(&a.confidence))
                .then(a.kind.cmp(&b.kind))
        });
    }

    /// Sorts findings as [`Self::sort`] does, and leaves no two whose moves on this track undo each other: the graver stays, of
    /// equals the first.
    pub fn settle(findings: &mut Vec<Self>) {
        Self::sort(findings);
        let mut gravest: Vec<usize> = (0..findings.len()).collect();
        gravest.sort_by_key(|&place| std::cmp::Reverse(findings[place].severity));
        let mut stays: Vec<usize> = Vec::with_capacity(findings.len());
        for place in gravest {
            if stays.iter().all(|&other| !findings[place].undoes(&findings[other])) {
                stays.push(place);
            }
        }
        let mut place = 0..findings.len();
        findings.retain(|_| place.next().is_some_and(|place| stays.contains(&place)));
    }

    /// Whether the moves of both turn the same stretch of the spectrum up and down.
    fn undoes(&self, other: &Self) -> bool {
        let broad = |finding: &Self| {
            let elsewhere = finding.other.as_ref().is_some_and(|other| other.is_moved);
            let mv = finding.mv.filter(|mv| !elsewhere && mv.q.is_some_and(|q| q < NARROW_Q))?;
            mv.freq_hz.zip(mv.gain_db.filter(|_| matches!(mv.action, Action::Cut | Action::Boost)))
        };
        let (Some((hz, db)), Some((other_hz, other_db))) = (broad(self), broad(other)) else {
            return false;
        };
        db * other_db < 0.0 && (0.5..=2.0).contains(&(hz / other_hz))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_json_names() {
        for kind in FindingKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(serde_json::to_value(Action::DeEss).unwrap(), "de-ess");
    }

    #[test]
    fn values_are_as_precise_as_their_unit() {
        let words = |value, unit| Evidence::new("", value, unit, "").words();
        assert_eq!(words(413.0, "runs"), "413 runs");
        assert_eq!(words(-2.345, "dBFS"), "-2.3 dBFS");
        assert_eq!(words(-0.01, "dB"), "0.0 dB");
        assert_eq!(words(0.021, ""), "0.02");
    }

    #[test]
    fn how_often_it_holds_reads_as_people_say_it() {
        let words = |bars, of| Holds { bars, of }.words();
        assert_eq!(words(1, 8), "this bar only");
        assert_eq!(words(3, 8), "3 of 8 bars");
        assert_eq!(words(5, 8), "most bars");
        assert_eq!(words(8, 8), "every bar");
    }

    /// A finding with a broad move at `freq_hz`.
    fn moved(kind: FindingKind, severity: Severity, freq_hz: f64, gain_db: f64) -> Finding {
        let action = if gain_db < 0.0 { Action::Cut } else { Action::Boost };
        let mv = Move { action, freq_hz: Some(freq_hz), q: Some(1.0), gain_db: Some(gain_db) };
        Finding { mv: Some(mv), ..Finding::new(kind, severity, 0.8) }
    }

    #[test]
    fn moves_that_undo_each_other_never_stand_together() {
        use FindingKind::{Boomy, Dull, Harsh, Masking, Muddy, Resonance, Thin};
        use Severity::{Clear, Minor, Severe};
        let settled = |mut findings: Vec<Finding>| {
            Finding::settle(&mut findings);
            findings.into_iter().map(|finding| finding.kind).collect::<Vec<_>>()
        };
        let thin = |severity| moved(Thin, severity, 120.0, 6.0);
        let boomy = |severity| moved(Boomy, severity, 90.0, -4.0);
        assert_eq!(settled(vec![thin(Clear), boomy(Clear)]), [Boomy]);
        assert_eq!(settled(vec![thin(Severe), boomy(Minor)]), [Thin]);
        // Of three in a row the graver ends keep each other company: they are far apart.
        let (muddy, harsh) =
            (moved(Muddy, Severe, 300.0, -4.0), moved(Harsh, Clear, 3_500.0, -3.0));
        let dull = moved(Dull, Minor, 3_000.0, 5.0);
        assert_eq!(settled(vec![dull, harsh, thin(Severe), muddy]), [Muddy, Harsh, Thin]);
        // A narrow cut, and a move on another track, are no contradiction.
        let mut ringing = moved(Resonance, Clear, 130.0, -6.0);
        ringing.mv.as_mut().unwrap().q = Some(8.0);
        let mut masked = moved(Masking, Clear, 110.0, -3.0);
        masked.other = Some(OtherTrack { name: "bass".to_owned(), is_moved: true });
        assert_eq!(settled(vec![masked.clone(), ringing, thin(Minor)]), [Resonance, Masking, Thin]);
        masked.other = Some(OtherTrack { name: "bass".to_owned(), is_moved: false });
        assert_eq!(settled(vec![masked, thin(Minor)]), [Masking]);
    }

    #[test]
    fn a_move_is_called_move_and_keeps_its_null_gain() {
        let mv = Move { action: Action::InvertPhase, freq_hz: None, q: None, gain_db: None };
        let finding = Finding {
            mv: Some(mv),
            ..Finding::new(FindingKind::PhaseInverted, Severity::Severe, 1.0)
        };
        let json = serde_json::to_value(&finding).unwrap();
        assert_eq!(json["move"]["action"], "invert-phase");
        assert!(json["move"].as_object().unwrap().contains_key("gain_db"));
        assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), finding);
    }
}
