//! Instruments: anything that turns notes into samples. The songs and the clips are played through `Voice`;
//! the procedural ones are built by [`procedural`], one file for each way of making a sound.

mod bass;
mod blown;
mod bowed;
mod cymbal;
mod drum;
mod electric_piano;
mod guitar;
mod kit;
mod mallet;
mod noise;
mod organ;
mod percussion;
mod piano;
mod spoken;
mod string;
mod sung;
mod synth;
mod tone;
mod tract;
mod wind;

#[cfg(test)]
mod tests;

use signal::Label;

use crate::note::Note;
use crate::rng::Rng;

/// An instrument with its patch fixed.
pub trait Voice: std::fmt::Debug {
    /// What the sound is, for the truth.
    fn label(&self) -> Label;
    /// Lowest and highest MIDI pitch that sounds sensible. Drums and percussion read General MIDI percussion keys.
    fn range(&self) -> (f64, f64);
    /// How many notes may sound together; 1 asks for a line.
    fn polyphony(&self) -> usize;
    /// Renders the notes: mono, `length_s * rate_hz` samples, peak about -6 dBFS. The same notes give the same samples.
    fn play(&self, notes: &[Note], length_s: f64, rate_hz: u32) -> Vec<f32>;
}

/// A synthetic instrument of that label with a random patch; no two are alike. `full-mix` is no instrument: it gives a
/// drum kit, as `drums` does.
pub fn procedural(label: Label, rng: &mut Rng) -> Box<dyn Voice> {
    match label {
        Label::Kick | Label::Snare | Label::Toms => drum::piece(label, rng),
        Label::HiHat | Label::Cymbals => cymbal::piece(label, rng),
        Label::Percussion => percussion::voice(rng),
        Label::Drums | Label::FullMix => kit::voice(rng),
        Label::Bass => bass::voice(rng),
        Label::ElectricGuitar => guitar::electric(rng),
        Label::AcousticGuitar => guitar::acoustic(rng),
        Label::Piano => piano::voice(rng),
        Label::ElectricPiano => electric_piano::voice(rng),
        Label::Organ => organ::voice(rng),
        Label::SynthLead => synth::lead(rng),
        Label::SynthPad => synth::pad(rng),
        Label::Strings => bowed::voice(rng),
        Label::Brass => blown::brass(rng),
        Label::Woodwinds => blown::woodwind(rng),
        Label::Mallets => mallet::voice(rng),
        Label::Vocals => sung::voice(rng),
        Label::Speech => spoken::voice(rng),
        Label::Fx => noise::voice(rng),
    }
}
