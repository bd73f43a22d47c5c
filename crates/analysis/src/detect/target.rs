//! What a programme is delivered for: loudness and true peak that it is to have, and how far off is how bad.
//!
//! A target judges the programme as a whole, never one bar by its own loudness; what the other rules say about level gives way
//! to it. Without one, level is a fault only where it is one for everybody.

use serde::{Deserialize, Serialize};
use signal::{Action, Finding, FindingKind as Kind, Measurements};

use super::draft::{BS_1770, Draft, confidence, grade};

/// Where a programme goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Nobody said.
    #[default]
    None,
    /// Broadcast: EBU R 128.
    EbuR128,
    /// Music on streaming services.
    Streaming,
    /// Records for clubs.
    Club,
    /// Dialogue of films for streaming services.
    FilmDialogue,
}

/// What a target asks for.
#[derive(Clone, Copy, Debug)]
struct Aim {
    lufs: f64,
    /// Off by more than the first is minor, by more than the others clear and severe, in LU.
    bands_lu: [f64; 3],
    true_peak_dbtp: f64,
    standard: &'static str,
}

/// Loudness of a whole programme, or of it as far as it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Programme {
    /// Integrated loudness in LUFS.
    pub lufs: f64,
    /// Seconds that it stands on.
    pub signal_s: f64,
}

/// Less than this of a programme has no loudness to speak of, in seconds.
const ENOUGH_S: f64 = 10.0;

/// A true peak too high by more than these is clear and severe, in dB: as without a target.
const PEAK_CLEAR_DB: f64 = 1.0;
const PEAK_SEVERE_DB: f64 = 3.0;

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::None, Self::EbuR128, Self::Streaming, Self::Club, Self::FilmDialogue];

    /// The name on the command line and in projects.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::EbuR128 => "ebu-r128",
            Self::Streaming => "streaming",
            Self::Club => "club",
            Self::FilmDialogue => "film-dialogue",
        }
    }

    /// The target of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    fn aim(self) -> Option<Aim> {
        let aim = |lufs, bands_lu, true_peak_dbtp, standard| {
            Some(Aim { lufs, bands_lu, true_peak_dbtp, standard })
        };
        match self {
            Self::None => None,
            // Target level, its tolerance, that of live programmes; severe is ours.
            Self::EbuR128 => aim(-23.0, [0.5, 1.0, 3.0], -1.0, "EBU R 128"),
            // The loudest track of an album and its true peak; the bands are ours: 1 dB is about what is just heard, at 6 dB
            // players have no headroom to make up for it.
            Self::Streaming => aim(-14.0, [1.0, 2.0, 6.0], -1.0, "AES TD1008"),
            // There is no standard; all of it is ours.
            Self::Club => aim(-9.0, [2.0, 4.0, 6.0], -0.3, "no standard"),
            // Average loudness with its tolerance and true peak; the other bands are ours. The specification gates on dialogue,
            // we don't.
            Self::FilmDialogue => {
                aim(-27.0, [2.0, 3.0, 6.0], -2.0, "Netflix Sound Mix Specifications")
            }
        }
    }

    /// Judges a part of a programme by the target: what `findings` say of level is replaced by what it says.
    pub fn judge(
        self,
        programme: Option<Programme>,
        part: &Measurements,
        findings: &mut Vec<Finding>,
    ) {
        let Some(aim) = self.aim() else { return };
        if findings.iter().any(|f| matches!(f.kind, Kind::Silence | Kind::TooLittle)) {
            return;
        }
        findings.retain(|f| !matches!(f.kind, Kind::TooLoud | Kind::TooQuiet | Kind::TruePeakOver));
        let loudness = programme.and_then(|programme| aim.loudness(programme, part));
        let gain_db = loudness.as_ref().and_then(|finding| finding.mv).and_then(|mv| mv.gain_db);
        findings.extend(loudness);
        // After the programme's own move: two findings never pull one fader both ways.
        findings.extend(aim.true_peak(part, gain_db.unwrap_or(0.0)));
        Finding::sort(findings);
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Aim {
    fn loudness(self, programme: Programme, part: &Measurements) -> Option<Finding> {
        let Programme { lufs, signal_s } = programme;
        let Self { lufs: aim, bands_lu: [minor, clear, severe], standard, .. } = self;
        let off = lufs - aim;
        let excess = off.abs() - minor;
        if excess <= 0.0 || signal_s < ENOUGH_S {
            return None;
        }
        let (kind, way) =
            if off > 0.0 { (Kind::TooLoud, "above") } else { (Kind::TooQuiet, "below") };
        let gain_db = -(off * 10.0).round() / 10.0;
        let draft =
            Draft::new(kind, grade(excess, clear - minor, severe - minor), confidence(excess, 2.0))
                .evidence("programme_lufs", lufs, "LUFS", BS_1770)
                .evidence("target_lufs", aim, "LUFS", standard)
                .evidence("programme_signal_s", signal_s, "s", "")
                .action(Action::Gain, Some(gain_db));
        // What a limiter then has to do belongs to this move.
        let limit_dbtp = self.true_peak_dbtp;
        let over =
            part.true_peak_dbtp.is_some_and(|peak| gain_db > 0.0 && peak + gain_db > limit_dbtp);
        let (draft, limiter) = match over {
            true => (
                draft.evidence("true_peak_limit_dbtp", limit_dbtp, "dBTP", standard),
                format!(", with a limiter at {limit_dbtp:.1} dBTP"),
            ),
            false => (draft, String::new()),
        };
        Some(draft.text(format!(
            "The programme has {lufs:.1} LUFS over {signal_s:.0} s, {:.1} LU {way} the target of {aim:.1} LUFS ({standard}); \
             {gain_db:+.1} dB of gain{limiter} would meet it.",
            off.abs()
        )))
    }

    fn true_peak(self, part: &Measurements, gain_db: f64) -> Option<Finding> {
        let peak = part.true_peak_dbtp?;
        let limit = self.true_peak_dbtp;
        // With gain added, the loudness finding names the limiter; with gain taken away, the peak comes down, too.
        let excess = peak - limit;
        if excess <= 0.0 || gain_db > 0.0 || peak + gain_db <= limit {
            return None;
        }
        let move_db = -(excess * 10.0).ceil() / 10.0;
        let severity = grade(excess, PEAK_CLEAR_DB, PEAK_SEVERE_DB);
        let draft = Draft::new(Kind::TruePeakOver, severity, confidence(excess, 1.0))
            .evidence("true_peak_dbtp", peak, "dBTP", BS_1770)
            .evidence("true_peak_limit_dbtp", limit, "dBTP", self.standard)
            .action(Action::Limit, Some(move_db));
        Some(draft.text(format!(
            "The true peak reaches {peak:.1} dBTP, above the {limit:.1} dBTP of the target ({}). {move_db:.1} dB of gain or \
             limiting would do.",
            self.standard
        )))
    }
}

#[cfg(test)]
mod tests {
    use signal::Severity;

    use super::*;

    fn judged(target: Target, lufs: f64, peak_dbtp: f64) -> Vec<Finding> {
        let part = Measurements { true_peak_dbtp: Some(peak_dbtp), ..Measurements::default() };
        let mut findings = Vec::new();
        target.judge(Some(Programme { lufs, signal_s: 60.0 }), &part, &mut findings);
        findings
    }

    fn kinds(findings: &[Finding]) -> Vec<(Kind, Severity)> {
        findings.iter().map(|f| (f.kind, f.severity)).collect()
    }

    #[test]
    fn programmes_on_target_pass_and_the_bands_are_those_that_are_written_down() {
        use Severity::{Clear, Minor, Severe};
        for target in Target::ALL.into_iter().skip(1) {
            let aim = target.aim().unwrap();
            let [minor, clear, severe] = aim.bands_lu;
            for (off, severity) in [
                (0.0, None),
                (minor - 0.1, None),
                (minor + 0.1, Some(Minor)),
                (clear + 0.1, Some(Clear)),
                (severe + 0.1, Some(Severe)),
            ] {
                for (sign, kind) in [(1.0, Kind::TooLoud), (-1.0, Kind::TooQuiet)] {
                    let findings = judged(target, aim.lufs + sign * off, -60.0);
                    let expected: Vec<_> =
                        severity.map(|severity| (kind, severity)).into_iter().collect();
                    assert_eq!(kinds(&findings), expected, "{target} {off}");
                    if let Some(finding) = findings.first() {
                        // The move leads to the target.
                        let gain_db = finding.mv.unwrap().gain_db.unwrap();
                        let after = judged(target, aim.lufs + sign * off + gain_db, -60.0);
                        assert_eq!(after, [], "{target} {off}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_target_changes_nothing() {
        assert_eq!(judged(Target::None, 3.0, 3.0), []);
    }

    #[test]
    fn a_peak_over_the_limit_is_one_unless_the_gain_mends_it() {
        use Severity::{Clear, Severe};
        let over = judged(Target::EbuR128, -23.0, 0.5);
        assert_eq!(kinds(&over), [(Kind::TruePeakOver, Clear)]);
        assert!((over[0].mv.unwrap().gain_db.unwrap() + 1.5).abs() < 1e-9);
        let loud = judged(Target::EbuR128, -18.0, 0.5);
        assert_eq!(kinds(&loud), [(Kind::TooLoud, Severe)], "5 dB less mend both");
        let quiet = judged(Target::Streaming, -17.0, -1.5);
        assert_eq!(kinds(&quiet), [(Kind::TooQuiet, Clear)]);
        assert!(quiet[0].text.contains("with a limiter at -1.0 dBTP"), "{}", quiet[0].text);
    }

    #[test]
    fn what_the_other_rules_say_of_level_gives_way() {
        let quiet = Measurements {
            sample_peak_dbfs: Some(-50.0),
            true_peak_dbtp: Some(-50.0),
            crest_db: Some(10.0),
            integrated_lufs: Some(-60.0),
            signal_s: 20.0,
            duration_s: 20.0,
            ..Measurements::default()
        };
        let mut findings = crate::detect(&quiet, None);
        assert!(findings.iter().any(|f| f.kind == Kind::TooQuiet), "{findings:?}");
        Target::Streaming.judge(None, &quiet, &mut findings);
        assert!(findings.iter().all(|f| f.kind != Kind::TooQuiet), "{findings:?}");
    }

    #[test]
    fn a_few_seconds_have_no_loudness_of_a_programme() {
        let mut findings = Vec::new();
        let programme = Programme { lufs: -5.0, signal_s: 4.0 };
        Target::Streaming.judge(Some(programme), &Measurements::default(), &mut findings);
        assert_eq!(findings, []);
    }

    #[test]
    fn names_come_back() {
        for target in Target::ALL {
            assert_eq!(Target::from_name(target.name()), Some(target));
            assert_eq!(serde_json::to_value(target).unwrap(), target.name());
        }
        assert_eq!(Target::from_name("radio"), None);
    }
}
