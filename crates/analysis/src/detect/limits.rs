//! Every threshold of the findings, in one place. They lie beyond what ordinary stems and mixes measure.

use signal::Label;

/// Highest sample below which a slice is silence, in dBFS.
pub(super) const SILENT_PEAK_DBFS: f64 = -60.0;
/// Seconds of signal that say something at all, about tone, about loudness and about what stands still.
pub(super) const LEAST_SIGNAL_S: f64 = 0.2;
pub(super) const TONE_SIGNAL_S: f64 = 1.0;
pub(super) const LOUDNESS_SIGNAL_S: f64 = 3.0;
/// A slice whose loudest moment lies below this is quiet throughout, rather than short of signal, in LUFS.
pub(super) const FAINT_LUFS: f64 = -45.0;
pub(super) const STEADY_SIGNAL_S: f64 = 2.0;

/// Clipped runs in the slice, and a second.
pub(super) const CLIPPED_RUNS: u64 = 5;
pub(super) const CLIPPED_RUNS_PER_S: f64 = 0.5;
/// EBU R 128: maximum permitted true peak.
pub(super) const TRUE_PEAK_DBTP: f64 = -1.0;
/// EBU Tech 3341: a meter may read as much too high, in dB.
pub(super) const TRUE_PEAK_TOLERANCE_DB: f64 = 0.2;
/// Mean as a share of full scale (-40 dBFS), and of the RMS: a wave of a few periods has a mean of its own.
pub(super) const DC_OFFSET: f64 = 0.01;
pub(super) const DC_OFFSET_OF_RMS: f64 = 0.08;
/// Wide effects reach -0.3; a flipped channel lies below, unless its reverberation is as loud as itself.
pub(super) const INVERTED_CORRELATION: f64 = -0.5;
/// A source that leans this far is panned, in dB.
pub(super) const ONE_SIDED_DB: f64 = 15.0;
/// A channel this far below the other is not quiet but missing, in dB.
pub(super) const SILENT_CHANNEL_DB: f64 = 40.0;
/// Steady hum in the quiet moments, in dBFS over its harmonics. Where -20 dBFS plays at 80 dB SPL this is 30 dB SPL: just
/// over the threshold of hearing at 100 Hz (ISO 226); clear and severe are 10 and 30 dB more.
pub(super) const HUM_DBFS: f64 = -70.0;
pub(super) const HUM_CLEAR_DB: f64 = 10.0;
pub(super) const HUM_SEVERE_DB: f64 = 30.0;
/// What is quiet is turned up, and its hum and hiss with it: a floor this close to the RMS counts at any level.
pub(super) const HUM_WITHIN_DB: f64 = 33.0;
pub(super) const HISS_WITHIN_DB: f64 = 39.0;
/// Notches go this much deeper than it takes, in dB.
pub(super) const HUM_MARGIN_DB: f64 = 3.0;
/// Steady hiss: its level in dBFS, and how far below the RMS it is a floor rather than the sound.
pub(super) const HISS_DBFS: f64 = -72.0;
pub(super) const HISS_BELOW_DB: f64 = 20.0;
/// Correlation below 120 Hz: channels of one level lose 1.9 dB in mono here, 3 dB (clear) at 0 and 6 dB (severe) at -0.5;
/// and how far below the RMS that band may lie to matter.
pub(super) const LOW_CORRELATION: f64 = 0.3;
pub(super) const LOW_END_WEIGHT_DB: f64 = 16.0;
/// A crossover that makes the low end mono must lie above it: at its corner half of the sides are left.
pub(super) const MONO_BELOW_HZ: f64 = 160.0;
/// Share of the side in a full mix's power, and how much less makes it plain mono (0.02 %), in dB.
pub(super) const NARROW_WIDTH: f64 = 0.002;
pub(super) const MONO_DB: f64 = 10.0;
/// Where a gain move leads, in LUFS.
pub(super) const LOUD_TARGET_LUFS: f64 = -14.0;
pub(super) const QUIET_TARGET_LUFS: f64 = -23.0;

/// Balance in dB from which a slice leans: a mix and the sources that mixes keep in the middle soon, a panned stem
/// only where one side is as good as silent.
pub(super) fn imbalance_db(label: Option<Label>) -> f64 {
    match label {
        Some(Label::FullMix) => 3.5,
        Some(Label::Kick | Label::Bass | Label::Drums) => 6.0,
        None => 9.0,
        Some(_) => 30.0,
    }
}

/// Quietest and loudest ordinary loudness in LUFS. Loud masters lie at -9 and below; what is above is turned down by 5 dB and
/// more wherever music is played at -14 (AES TD1008 asks for -16 to -20, and -14 for the loudest track of an album).
pub(super) fn loudness_lufs(label: Option<Label>) -> (f64, f64) {
    match label {
        Some(Label::FullMix) => (-36.0, -9.0),
        // A shaker at its level in the mix lies 30 dB below it.
        _ => (-54.0, -7.0),
    }
}

/// Peak-to-loudness ratios in dB at which what is made of hits is dense, squeezed and flat; sustained sources have none. Loud masters
/// keep 8 dB and more over their short-term loudness; less is where limiting is heard as such (Shepherd's rule for the PSR).
/// From 10 dB down a mix is dense, which a master may be and what goes to one had better not.
pub(super) fn plr_db(label: Option<Label>) -> Option<[f64; 3]> {
    match label? {
        Label::FullMix => Some([10.0, 8.0, 6.5]),
        Label::Drums | Label::Percussion => Some([7.0, 5.5, 4.0]),
        _ => None,
    }
}

/// Whether a source fills its spectrum, so that a narrow peak is no note of it. A lone drum,
/// hat or bell has modes of its own.
pub(super) fn is_broad(label: Option<Label>) -> bool {
    matches!(label, Some(Label::FullMix | Label::Drums))
}

/// Resonance in dB over most of its neighbourhood. A peak of 5 dB with a Q of 10 and more is heard in noise (Toole and
/// Olive 1988), later in music; below 500 Hz a drum's body or a key note stands out too, and a bare kit has its own modes.
pub(super) fn resonance_db(label: Option<Label>, freq_hz: f64) -> f64 {
    let (below, above) = if label == Some(Label::FullMix) { (10.0, 8.0) } else { (14.0, 11.5) };
    if freq_hz < 500.0 { below } else { above }
}

/// In a few bars of a mix a note that is held or repeated stands out as a resonance does: how long, and by how much in dB.
pub(super) const HELD_SIGNAL_S: f64 = 6.0;
pub(super) const HELD_DB: f64 = 4.0;

/// Sibilants against vowels in dB.
pub(super) const SIBILANCE_DB: f64 = 6.0;
