//! What keys sound like: pitch classes and chords of major and minor keys.

use crate::chords::TRIADS;

/// How well each pitch class fits a major and a minor key, from the tonic on (Krumhansl & Kessler 1982, probe tones).
pub(super) const KRUMHANSL: [[f64; 12]; 2] = [
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
];
/// How often each pitch class is there (Temperley 2001, revised Kostka-Payne counts).
pub(super) const TEMPERLEY: [[f64; 12]; 2] = [
    [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
    [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
];

/// How much of the time each triad sounds in a major and a minor key: by semitones over the tonic, majors before minors. Counted
/// in 804 songs of the McGill Billboard annotations (CC0) and 375 of POP909 (MIT); what is rarer than a chord misheard
/// counts as that.
pub(super) const SHARES: [[f64; TRIADS]; 2] = [
    [
        0.375, 0.008, 0.020, 0.009, 0.008, 0.177, 0.008, 0.168, 0.009, 0.010, 0.025, 0.008, 0.008,
        0.008, 0.055, 0.008, 0.033, 0.011, 0.008, 0.008, 0.008, 0.079, 0.008, 0.008,
    ],
    [
        0.021, 0.008, 0.008, 0.085, 0.008, 0.037, 0.008, 0.045, 0.114, 0.008, 0.132, 0.008, 0.391,
        0.008, 0.008, 0.008, 0.008, 0.087, 0.008, 0.069, 0.008, 0.008, 0.008, 0.008,
    ],
];

/// How often a song opens with each, counted likewise.
pub(super) const OPENINGS: [[f64; TRIADS]; 2] = [
    [
        0.699, 0.008, 0.010, 0.004, 0.008, 0.074, 0.008, 0.090, 0.008, 0.008, 0.014, 0.008, 0.009,
        0.008, 0.020, 0.008, 0.008, 0.008, 0.008, 0.008, 0.008, 0.043, 0.008, 0.008,
    ],
    [
        0.050, 0.008, 0.008, 0.081, 0.008, 0.008, 0.008, 0.026, 0.081, 0.008, 0.032, 0.008, 0.658,
        0.008, 0.008, 0.008, 0.008, 0.017, 0.008, 0.014, 0.008, 0.008, 0.008, 0.008,
    ],
];
