//! What the user of an instance wants to hear of, and what not: findings that were dismissed on this track, and what the song is
//! made for. Saved with the project, so what is read may be rubbish.

use analysis::Target;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signal::{Finding, FindingKind};

/// The format that is written. Later ones are refused, for what they mean isn't known.
const VERSION: u32 = 1;

/// Findings that can be dismissed on a track; who has dismissed more wants no advice.
const MAX_DISMISSED: usize = 64;

/// No band reaches further, in Hz: half of the highest sample rate.
const MAX_HZ: u32 = 384_000;

/// The shared choices of an instance: the editor and answers change them, the host's save and load read and replace.
#[derive(Debug, Default)]
pub struct Taste {
    choices: Mutex<Choices>,
}

/// What was chosen. The same choices are saved as the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Saved", try_from = "Saved")]
pub struct Choices {
    /// Oldest first.
    dismissed: Vec<Dismissed>,
    /// What the song is made for.
    pub target: Target,
}

/// A finding that isn't to be brought up on this track: one of this kind, in this band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissed {
    /// The kind.
    pub kind: FindingKind,
    /// The band, where it is about one; whole Hz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band_hz: Option<[u32; 2]>,
}

/// [`Choices`] as they lie in a project.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dismissed: Vec<Dismissed>,
    #[serde(default, skip_serializing_if = "is_none")]
    target: Target,
}

fn is_none(target: &Target) -> bool {
    *target == Target::None
}

impl Taste {
    /// Replaces everything by what a project brought.
    pub fn replace(&self, choices: Choices) {
        *self.choices.lock() = choices;
    }

    /// Calls `read` with what is there.
    pub fn read<R>(&self, read: impl FnOnce(&Choices) -> R) -> R {
        read(&self.choices.lock())
    }

    /// Doesn't bring such findings up any more. One too many is left out.
    pub fn dismiss(&self, dismissed: Dismissed) {
        let known = &mut self.choices.lock().dismissed;
        if known.len() < MAX_DISMISSED && !known.contains(&dismissed) {
            known.push(dismissed);
        }
    }

    /// Brings them up again.
    pub fn bring_back(&self, dismissed: Dismissed) {
        self.choices.lock().dismissed.retain(|known| *known != dismissed);
    }

    /// What the song is made for.
    pub fn aim(&self, target: Target) {
        self.choices.lock().target = target;
    }
}

impl Choices {
    /// What was dismissed, oldest first.
    pub fn dismissed(&self) -> &[Dismissed] {
        &self.dismissed
    }

    /// Whether a finding may be brought up.
    pub fn welcomes(&self, finding: &Finding) -> bool {
        let met = Dismissed::of(finding);
        !self.dismissed.iter().any(|known| met.is_some_and(|met| known.covers(&met)))
    }
}

impl Dismissed {
    /// What to dismiss so that a finding isn't brought up again; none for one that says that nothing was found.
    pub fn of(finding: &Finding) -> Option<Self> {
        let kind = finding.kind;
        let whole = |hz: f64| (hz.round() as u32).min(MAX_HZ);
        let band_hz = finding.band_hz.map(|band| band.map(whole));
        (!matches!(kind, FindingKind::Silence | FindingKind::TooLittle))
            .then_some(Self { kind, band_hz })
    }

    /// `muddy, 200 to 400 Hz`.
    pub fn words(&self) -> String {
        match self.band_hz {
            Some([lo, hi]) => format!("{}, {lo} to {hi} Hz", self.kind),
            None => self.kind.to_string(),
        }
    }

    /// Whether what was `met` is the same thing: a resonance elsewhere is another one.
    fn covers(&self, met: &Self) -> bool {
        let touch = |a: [u32; 2], b: [u32; 2]| a[0] <= b[1] && b[0] <= a[1];
        self.kind == met.kind
            && self.band_hz.zip(met.band_hz).is_none_or(|(own, met)| touch(own, met))
    }
}

impl From<Choices> for Saved {
    fn from(Choices { dismissed, target }: Choices) -> Self {
        Self { version: VERSION, dismissed, target }
    }
}

impl TryFrom<Saved> for Choices {
    type Error = String;

    fn try_from(saved: Saved) -> Result<Self, String> {
        let Saved { version, dismissed, target } = saved;
        if version != VERSION {
            return Err(format!("version: {version} is not {VERSION}"));
        }
        if dismissed.len() > MAX_DISMISSED {
            return Err(format!("dismissed: {} are more than {MAX_DISMISSED}", dismissed.len()));
        }
        let sane = |band: [u32; 2]| band[0] <= band[1] && band[1] <= MAX_HZ;
        if let Some(at) = dismissed.iter().position(|known| !known.band_hz.is_none_or(sane)) {
            return Err(format!("dismissed[{at}].band_hz: not from low to high up to {MAX_HZ} Hz"));
        }
        Ok(Self { dismissed, target })
    }
}

#[cfg(test)]
mod tests {
    use signal::Severity;

    use super::*;

    fn finding(kind: FindingKind, band_hz: Option<[f64; 2]>) -> Finding {
        Finding { band_hz, ..Finding::new(kind, Severity::Clear, 0.9) }
    }

    #[test]
    fn what_is_dismissed_stays_away_until_it_is_brought_back() {
        let taste = Taste::default();
        let ring = |hz: f64| finding(FindingKind::Resonance, Some([0.9 * hz, 1.1 * hz]));
        let welcomes = |finding: &Finding| taste.read(|choices| choices.welcomes(finding));
        let dismissed = Dismissed::of(&ring(500.0)).unwrap();
        assert_eq!(dismissed.words(), "resonance, 450 to 550 Hz");
        taste.dismiss(dismissed);
        taste.dismiss(dismissed);
        assert!(!welcomes(&ring(500.0)) && !welcomes(&ring(510.0)));
        assert!(welcomes(&ring(2_000.0)) && welcomes(&finding(FindingKind::Hum, None)));
        assert_eq!(taste.read(|choices| choices.dismissed().to_vec()), [dismissed]);
        taste.bring_back(dismissed);
        assert!(welcomes(&ring(500.0)));
    }

    #[test]
    fn that_nothing_is_heard_cannot_be_dismissed() {
        assert_eq!(Dismissed::of(&finding(FindingKind::Silence, None)), None);
        assert!(Choices::default().welcomes(&finding(FindingKind::TooLittle, None)));
    }

    #[test]
    fn choices_come_back_with_a_project_and_only_so_many_are_kept() {
        let taste = Taste::default();
        for hz in 0..100 {
            let band_hz = Some([100 * hz, 100 * hz + 50]);
            taste.dismiss(Dismissed { kind: FindingKind::Resonance, band_hz });
        }
        taste.aim(Target::Streaming);
        let saved = taste.read(|choices| serde_json::to_string(choices).unwrap());
        let loaded: Choices = serde_json::from_str(&saved).unwrap();
        assert_eq!((loaded.dismissed().len(), loaded.target), (MAX_DISMISSED, Target::Streaming));
        let other = Taste::default();
        other.replace(loaded);
        assert_eq!(other.read(|choices| serde_json::to_string(choices).unwrap()), saved);
        let nothing = serde_json::to_string(&Choices::default()).unwrap();
        assert_eq!(nothing, r#"{"version":1}"#);
    }

    #[test]
    fn rubbish_is_refused_by_field() {
        let many = vec![r#"{"kind":"hum"}"#; MAX_DISMISSED + 1].join(",");
        for (saved, field) in [
            (r#"{"version":2}"#.to_owned(), "version"),
            (r#"{}"#.to_owned(), "version"),
            (format!(r#"{{"version":1,"dismissed":[{many}]}}"#), "dismissed"),
            (r#"{"version":1,"dismissed":[{"kind":"loud"}]}"#.to_owned(), "loud"),
            (
                r#"{"version":1,"dismissed":[{"kind":"hum","band_hz":[9,3]}]}"#.to_owned(),
                "dismissed[0].band_hz",
            ),
            (r#"{"version":1,"target":"radio"}"#.to_owned(), "radio"),
        ] {
            let error = serde_json::from_str::<Choices>(&saved).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }
}
