//! A finding while its rule writes it.

use signal::{Action, Evidence, Finding, FindingKind, Move, Severity};

pub(super) const EBU_R128: &str = "EBU R 128";
pub(super) const BS_1770: &str = "ITU-R BS.1770-5";
pub(super) const IEC_61260: &str = "IEC 61260-1";
/// A measure of our own.
pub(super) const OWN: &str = "";

/// How bad a value is: minor from the limit on, clear and severe from the two steps beyond it.
pub(super) fn grade(excess: f64, clear: f64, severe: f64) -> Severity {
    if excess >= severe {
        Severity::Severe
    } else if excess >= clear {
        Severity::Clear
    } else {
        Severity::Minor
    }
}

/// Confidence from how far beyond its limit a value is: 0.6 at the limit, towards 0.95 at `sure`.
pub(super) fn confidence(excess: f64, sure: f64) -> f64 {
    0.6 + 0.35 * (excess / sure).clamp(0.0, 1.0)
}

/// Collects a finding's parts.
#[derive(Debug)]
pub(super) struct Draft(Finding);

impl Draft {
    pub(super) fn new(kind: FindingKind, severity: Severity, confidence: f64) -> Self {
        Self(Finding::new(kind, severity, confidence))
    }

    pub(super) fn band(mut self, lo_hz: f64, hi_hz: f64) -> Self {
        self.0.band_hz = Some([lo_hz, hi_hz]);
        self
    }

    pub(super) fn evidence(mut self, name: &str, value: f64, unit: &str, standard: &str) -> Self {
        self.0.evidence.push(Evidence::new(name, value, unit, standard));
        self
    }

    pub(super) fn filter(
        mut self,
        action: Action,
        freq_hz: f64,
        q: f64,
        gain_db: Option<f64>,
    ) -> Self {
        self.0.mv = Some(Move { action, freq_hz: Some(freq_hz), q: Some(q), gain_db });
        self
    }

    pub(super) fn action(mut self, action: Action, gain_db: Option<f64>) -> Self {
        self.0.mv = Some(Move { action, freq_hz: None, q: None, gain_db });
        self
    }

    pub(super) fn text(mut self, text: String) -> Finding {
        self.0.text = text;
        self.0
    }
}
