//! What the model's heads make of a sound: who plays for sure, who may, and words for its colour. The language model gets it
//! after the facts and says nothing else (training/grammar.py has the same words and limits); a sentence that names an
//! instrument which was not heard is withheld, and whether one plays is answered from here: the language model says only
//! which one was asked for.

use models::{Heard, Model};
use signal::Label;

use crate::{
    error::EngineError, places::listed, playing, slots::WHEN, topic::Topic, vocabulary::instruments,
};

/// Limits of the words for descriptors, 0 to 1: where "bright" begins is a convention.
const BRIGHT: f32 = 0.8;
const DARK: f32 = 0.45;
const WARM: f32 = 0.8;
const GRITTY: f32 = 0.4;
const ROOMY: f32 = 0.35;
const DRY: f32 = 0.03;

const CANT_TELL: &str = "I can't tell from this";

/// Where everybody is less likely than this nobody plays: it is noise, hum or a tone.
const NOBODY: f32 = 0.1;

/// How many doubtful ones are listed beside those that are sure.
const DOUBTS: usize = 2;

/// The token that opens it; a model whose tokenizer lacks it is told nothing.
const HEARS: &str = "<hears>";

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sound {
    /// Likely enough to be named.
    sure: Vec<Label>,
    /// May be there.
    maybe: Vec<Label>,
    colours: Vec<&'static str>,
    /// How the only one plays.
    playing: Option<&'static str>,
    /// How likely each instrument plays.
    odds: Vec<(Label, f32)>,
}

impl Sound {
    /// What the heads make of `heard`; none for a model that was not trained to be told.
    ///
    /// # Errors
    /// [`models::ModelError::Input`] if another model heard it.
    pub(crate) fn of(model: &Model, heard: &Heard) -> Result<Option<Self>, EngineError> {
        let is_told = model.tokenizer.as_ref().is_some_and(|tokens| tokens.id(HEARS).is_some());
        let Some(heads) = model.heads.as_ref().filter(|_| is_told) else { return Ok(None) };
        let mut sound = Self::default();
        for (name, odds) in model.instruments(heard)? {
            let Some(label) = Label::from_name(&name) else { continue };
            sound.odds.push((label, odds));
            if odds >= heads.instruments_threshold {
                sound.sure.push(label);
            } else if odds >= heads.instruments_doubt {
                sound.maybe.push(label);
            }
        }
        let qualities = model.descriptors(heard)?;
        sound.colours = colours(&qualities);
        if let [only] = sound.sure[..] {
            sound.playing = playing::playing(only, &qualities);
        }
        Ok(Some(sound))
    }

    /// What the language model is told: who plays, who may, its colours and how busy it is.
    pub(crate) fn words(&self, density: Option<&str>) -> String {
        if self.is_nobody() {
            return format!("{HEARS}<sounds> nobody");
        }
        let list = |labels: &[Label]| -> String {
            ordered(labels).iter().map(|label| format!("<of:{}>", label.name())).collect()
        };
        let mut words = format!("{HEARS}{}", list(&self.sure));
        if !self.maybe.is_empty() {
            words += &format!("<maybe>{}", list(&self.maybe));
        }
        words += "<sounds>";
        let density = density.filter(|word| !word.is_empty());
        for word in self.colours.iter().copied().chain(density) {
            words += &format!(" {word}");
        }
        words
    }

    /// A caption that says how the only one plays, behind its name.
    pub(crate) fn with_playing(&self, caption: &str) -> String {
        let ([only], Some(word)) = (&self.sure[..], self.playing) else {
            return caption.to_owned();
        };
        let name = plain(*only);
        // Letter by letter, so that places in it are places in the caption.
        let Some(end) = caption.to_ascii_lowercase().find(&name).map(|at| at + name.len()) else {
            return caption.to_owned();
        };
        let (named, rest) = caption.split_at(end);
        format!("{named}{}{rest}", playing::phrase(word))
    }

    /// Whether `sentence` names only instruments that were heard. The pieces of a kit are in its drums.
    pub(crate) fn backs(&self, sentence: &str) -> bool {
        instruments(sentence).into_iter().all(|label| self.may_have(label))
    }

    /// How likely those play who are `named`, on average; where nobody is named, how likely the likeliest does, or, where nobody plays, that
    /// not even that one does.
    pub(crate) fn odds_of(&self, named: &[Label]) -> f64 {
        let of = |label: &Label| {
            self.odds.iter().find(|(known, _)| known == label).map(|(_, odds)| *odds)
        };
        let odds: Vec<f32> = named.iter().filter_map(of).collect();
        if odds.is_empty() {
            let likeliest = f64::from(self.odds.iter().map(|(_, odds)| *odds).fold(0.0, f32::max));
            return if self.is_nobody() { 1.0 - likeliest } else { likeliest };
        }
        odds.iter().map(|odds| f64::from(*odds)).sum::<f64>() / odds.len() as f64
    }

    /// Which guitar a question means that says "guitar" and was taken for `of`: the one that is heard.
    pub(crate) fn guitar_for<'a>(&self, of: &'a str) -> &'a str {
        let (electric, acoustic) = (Label::ElectricGuitar, Label::AcousticGuitar);
        let place = |label| {
            self.odds.iter().find(|(known, _)| *known == label).map_or(0.0, |(_, odds)| *odds)
        };
        match Label::from_name(of) {
            Some(label) if label == electric || label == acoustic => {
                if place(acoustic) > place(electric) { acoustic.name() } else { electric.name() }
            }
            _ => of,
        }
    }

    /// That the level of one of several can't be told; none where it plays alone.
    pub(crate) fn part(&self, asked: Label) -> Option<String> {
        let alone = matches!(&self.sure[..], [only] if *only == asked);
        let asked_for = plain(asked);
        let words = if self.may_have(asked) {
            format!(
                "{CANT_TELL} the level of the {asked_for} inside a mix; on a track of its own, or as a stem, I could."
            )
        } else {
            format!("No {asked_for} that I can hear, so I can't tell the level.")
        };
        (!alone).then_some(words)
    }

    /// The answer to who plays, to whether and where an instrument does, and to how it sounds; none to anything else.
    pub(crate) fn reply(&self, topic: &Topic<'_>) -> Option<String> {
        if topic.about == "instruments" {
            return Some(self.listing());
        }
        if topic.about == "playing" {
            return Some(playing::sentence(self.playing, self.sure.len()));
        }
        if let Some(colour) = self.colour(topic.about) {
            return Some(colour.to_owned());
        }
        let asked = Label::from_name(topic.of?)?;
        match topic.about {
            "where" if self.is_sure(asked) => Some(format!("I hear {} {WHEN}.", plain(asked))),
            "where" if self.may_have(asked) => {
                Some(format!("I am not sure, but I may hear {} {WHEN}.", plain(asked)))
            }
            "presence" | "where" => Some(self.presence(asked)),
            _ => None,
        }
    }

    /// Who plays, in words.
    fn listing(&self) -> String {
        let names = |labels: &[Label]| listed(ordered(labels).into_iter().map(plain).collect());
        match (&self.sure[..], &self.maybe[..]) {
            _ if self.is_nobody() => "No instrument that I can hear.".to_owned(),
            ([], []) => format!("{CANT_TELL} what plays."),
            ([], maybe) => format!("{CANT_TELL} for sure; perhaps {}.", names(maybe)),
            (sure, []) => format!("I hear {}.", names(sure)),
            (sure, maybe) => {
                let likeliest = &maybe[..maybe.len().min(DOUBTS)];
                format!("I hear {}, perhaps also {}.", names(sure), names(likeliest))
            }
        }
    }

    /// How it sounds, of one quality.
    fn colour(&self, about: &str) -> Option<&'static str> {
        let is = |word: &str| self.colours.contains(&word);
        Some(match about {
            "brightness" if is("bright") => "It is bright.",
            "brightness" if is("dark") => "It is dark.",
            "brightness" => "It is neither bright nor dark.",
            "warmth" if is("warm") => "It is warm.",
            "warmth" => "It is not especially warm.",
            "dirt" if is("gritty") => "It is gritty.",
            "dirt" => "It is clean.",
            "space" if is("roomy") => "It is roomy, with reverb.",
            "space" if is("dry") => "It is dry.",
            "space" => "There is a little space around it.",
            _ => return None,
        })
    }

    /// Whether an instrument plays, in words.
    fn presence(&self, asked: Label) -> String {
        let is = |known: &&Label| known.in_mix() == asked.in_mix();
        if let Some(heard) = self.sure.iter().find(|known| **known == asked) {
            return format!("Yes, I hear {}.", plain(*heard));
        }
        if let Some(heard) = self.sure.iter().find(is) {
            // Every kit has these; whether it has the others its sound doesn't tell.
            let always = matches!(asked, Label::Drums | Label::Kick | Label::Snare | Label::HiHat);
            let heard = plain(*heard);
            return if always {
                format!("Yes, I hear {heard}.")
            } else {
                format!(
                    "I hear {heard}; whether {} are among them their sound doesn't say.",
                    plain(asked)
                )
            };
        }
        if self.may_have(asked) {
            return format!("Yes, I think so: there may be {}, but I am not sure.", plain(asked));
        }
        let others: Vec<String> = ordered(&self.sure).into_iter().map(plain).collect();
        let asked = plain(asked);
        if others.is_empty() {
            return format!("No {asked} that I can hear.");
        }
        format!("No {asked} that I can hear; I hear {}.", listed(others))
    }

    /// Whether it is no music: everybody is most unlikely.
    fn is_nobody(&self) -> bool {
        !self.odds.is_empty() && self.odds.iter().all(|(_, odds)| *odds < NOBODY)
    }

    /// Whether it is there for sure.
    fn is_sure(&self, asked: Label) -> bool {
        self.sure.iter().any(|known| known.in_mix() == asked.in_mix())
    }

    /// Whether it may be there at all.
    fn may_have(&self, asked: Label) -> bool {
        self.sure.iter().chain(&self.maybe).any(|known| known.in_mix() == asked.in_mix())
    }
}

fn plain(label: Label) -> String {
    match label {
        Label::Fx => "effects".to_owned(),
        Label::HiHat => "hi-hat".to_owned(),
        label => label.name().replace('-', " "),
    }
}

fn ordered(labels: &[Label]) -> Vec<Label> {
    let mut ordered = labels.to_vec();
    ordered.sort_by_key(|label| ORDER.iter().position(|known| known == label));
    ordered
}

/// Words for descriptors, in the order in which the language model knows them.
fn colours(descriptors: &[(String, f32)]) -> Vec<&'static str> {
    let value = |name: &str| descriptors.iter().find(|(known, _)| known == name).map(|(_, v)| *v);
    let (above, below) = (
        |name: &str, limit: f32| value(name).is_some_and(|value| value > limit),
        |name: &str, limit: f32| value(name).is_some_and(|value| value < limit),
    );
    let bright = above("brightness", BRIGHT);
    let words = [
        (bright, "bright"),
        (below("brightness", DARK), "dark"),
        (above("warmth", WARM) && !bright, "warm"),
        (above("dirt", GRITTY), "gritty"),
        (above("space", ROOMY), "roomy"),
        (below("space", DRY), "dry"),
    ];
    words.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect()
}

/// Rhythm section first, then harmony, then lead: the order in which a mixer reads a session.
const ORDER: [Label; 22] = [
    Label::Drums,
    Label::Kick,
    Label::Snare,
    Label::HiHat,
    Label::Toms,
    Label::Cymbals,
    Label::Percussion,
    Label::Bass,
    Label::ElectricGuitar,
    Label::AcousticGuitar,
    Label::Piano,
    Label::ElectricPiano,
    Label::Organ,
    Label::SynthPad,
    Label::Strings,
    Label::Brass,
    Label::Woodwinds,
    Label::Mallets,
    Label::SynthLead,
    Label::Vocals,
    Label::Speech,
    Label::Fx,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(sure: &[Label], maybe: &[Label], colours: &[&'static str]) -> Sound {
        let odds = sure.iter().map(|label| (*label, 0.9)).chain(maybe.iter().map(|l| (*l, 0.5)));
        let odds = odds.collect();
        let (sure, maybe, colours) = (sure.to_vec(), maybe.to_vec(), colours.to_vec());
        Sound { sure, maybe, colours, playing: None, odds }
    }

    #[test]
    fn it_is_told_in_the_trained_words() {
        let told =
            sound(&[Label::Bass, Label::Drums], &[Label::Fx, Label::Organ], &["dark", "dry"]);
        let expected = "<hears><of:drums><of:bass><maybe><of:organ><of:fx><sounds> dark dry";
        assert_eq!(told.words(Some("")), expected);
        assert_eq!(told.words(Some("busy")), format!("{expected} busy"));
        assert_eq!(Sound::default().words(None), "<hears><sounds>");
    }

    #[test]
    fn what_was_not_heard_is_not_said() {
        let heard = sound(&[Label::Drums], &[Label::Bass], &[]);
        assert!(heard.backs("Drums and bass."));
        assert!(heard.backs("Yes, I hear kick."), "the pieces of a kit are in its drums");
        assert!(heard.backs("No vocals that I can hear."));
        assert!(heard.backs("Perhaps vocals, but I can't tell from this for sure."));
        assert!(!heard.backs("Drums, bass and vocals."));
    }

    #[test]
    fn the_heads_decide_who_plays() {
        let heard = sound(&[Label::Drums, Label::Bass], &[Label::Organ], &[]);
        let check = |asked, expected: &str| assert_eq!(heard.presence(asked), expected);
        check(Label::Bass, "Yes, I hear bass.");
        check(Label::Kick, "Yes, I hear drums.");
        check(Label::Toms, "I hear drums; whether toms are among them their sound doesn't say.");
        check(Label::Organ, "Yes, I think so: there may be organ, but I am not sure.");
        check(Label::SynthPad, "No synth pad that I can hear; I hear drums and bass.");
        assert_eq!(Sound::default().presence(Label::Fx), "No effects that I can hear.");
    }

    #[test]
    fn where_one_plays_that_does_is_for_the_file_to_tell() {
        let heard = sound(&[Label::Drums], &[Label::Bass], &[]);
        let reply = |about, of| heard.reply(&Topic { about, of });
        assert_eq!(reply("where", Some("drums")).unwrap(), "I hear drums <when>.");
        assert!(reply("where", Some("bass")).unwrap().ends_with("but I may hear bass <when>."));
        assert!(reply("where", Some("organ")).unwrap().starts_with("No organ"));
        assert!(reply("presence", Some("bass")).unwrap().starts_with("Yes, I think so"));
        assert_eq!(reply("fault", Some("hum")), None);
        assert_eq!(reply("loudest", None), None);
    }

    #[test]
    fn who_plays_and_how_it_sounds_is_what_was_heard() {
        let heard = sound(&[Label::Drums], &[Label::Bass], &["dark"]);
        let check = |heard: &Sound, about, words: &str| {
            assert_eq!(heard.reply(&Topic { about, of: None }).as_deref(), Some(words));
        };
        check(&heard, "instruments", "I hear drums, perhaps also bass.");
        check(&heard, "brightness", "It is dark.");
        check(&heard, "space", "There is a little space around it.");
        check(&heard, "playing", "I can't tell from this how it is played.");
        let doubtful = sound(&[], &[Label::Bass], &[]);
        check(&doubtful, "instruments", "I can't tell from this for sure; perhaps bass.");
        check(&Sound::default(), "instruments", "I can't tell from this what plays.");
    }

    #[test]
    fn the_level_of_one_is_known_where_it_plays_alone() {
        let mix = sound(&[Label::Drums, Label::Bass], &[Label::Organ], &[]);
        assert_eq!(sound(&[Label::Bass], &[], &[]).part(Label::Bass), None);
        assert!(mix.part(Label::Bass).unwrap().contains("the level of the bass inside a mix"));
        let absent = mix.part(Label::Vocals).unwrap();
        assert!(mix.backs(&absent) && absent.starts_with("No vocals"), "{absent}");
    }

    #[test]
    fn odds_are_those_of_whom_the_words_name() {
        let heard = sound(&[Label::Drums, Label::Bass], &[Label::Organ], &[]);
        assert!((heard.odds_of(&[Label::Drums, Label::Organ]) - 0.7).abs() < 1e-6);
        assert!((heard.odds_of(&[]) - 0.9).abs() < 1e-6);
        assert!(Sound::default().odds_of(&[Label::Bass]).abs() < 1e-6);
    }

    #[test]
    fn how_the_only_one_plays_stands_behind_its_name() {
        let alone = |playing| Sound { playing, ..sound(&[Label::AcousticGuitar], &[], &[]) };
        let caption = "Sparse acoustic guitar: dark.";
        let check =
            |sound: Sound, expected: &str| assert_eq!(sound.with_playing(caption), expected);
        check(alone(Some("held notes")), "Sparse acoustic guitar in held notes: dark.");
        check(alone(Some("strummed")), "Sparse acoustic guitar, strummed: dark.");
        check(alone(None), caption);
        check(sound(&[Label::Bass, Label::AcousticGuitar], &[], &[]), caption);
        assert_eq!(alone(Some("chords")).with_playing("Quiet."), "Quiet.");
    }

    #[test]
    fn noise_is_nobody() {
        let odds = |odds| Sound { odds: vec![(Label::Drums, odds)], ..Sound::default() };
        assert_eq!(odds(0.01).words(Some("busy")), "<hears><sounds> nobody");
        assert_eq!(odds(0.01).listing(), "No instrument that I can hear.");
        assert!(odds(0.01).odds_of(&[]) > 0.98, "which is sure");
        assert!(odds(0.3).listing().starts_with("I can't tell"));
    }

    #[test]
    fn a_guitar_is_the_one_that_is_heard() {
        let heard = sound(&[Label::AcousticGuitar], &[], &[]);
        assert_eq!(heard.guitar_for("electric-guitar"), "acoustic-guitar");
        assert_eq!(heard.guitar_for("piano"), "piano");
        assert_eq!(Sound::default().guitar_for("acoustic-guitar"), "electric-guitar");
    }

    #[test]
    fn colours_follow_their_limits() {
        let of = |values: [f32; 5]| {
            let names = ["brightness", "warmth", "space", "dirt", "density"];
            let pairs: Vec<_> = names.map(str::to_owned).into_iter().zip(values).collect();
            colours(&pairs)
        };
        assert_eq!(of([0.9, 0.9, 0.5, 0.5, 0.7]), ["bright", "gritty", "roomy"]);
        assert_eq!(of([0.3, 0.9, 0.01, 0.1, 0.7]), ["dark", "warm", "dry"]);
        assert!(of([0.5, 0.5, 0.2, 0.1, 0.5]).is_empty() && colours(&[]).is_empty());
    }
}
