//! From a window and its facts to checked words: the instruction that the language model was trained on, decoding, slots.

use std::sync::atomic::AtomicBool;

use models::{Heard, Model, Sampling};
use signal::Label;

use crate::{
    error::EngineError,
    slots::{Facts, Region, SLOTS, WHEN, sentences},
    sound::Sound,
    topic::Topic,
    vocabulary::{instruments, means_any_guitar},
};

/// What is said where no sentence stood up to the checks.
pub(crate) const CANT_TELL: &str = "I can't tell from this.";

/// The answer to what no sound tells.
const CANT_TELL_AT_ALL: &str = "I can't tell from this; I only hear and measure the sound.";

/// A question is no longer, in bytes: the embedded model's context is small.
const LONGEST_QUESTION: usize = 400;

/// Below the first probability of what a question is about it is not understood; below the second it may be meant otherwise. Of 462
/// questions by people who had not seen what the embedded model was taught, 0.09 of those above 0.7 are taken for others, two in five of
/// those between and 20 of the 26 below.
const UNCLEAR: f64 = 0.4;
const UNSURE: f64 = 0.7;
pub(crate) const NOT_UNDERSTOOD: &str = "I can't tell what you are asking. Ask me who plays and where, what is wrong, or about tempo, key, chords, \
                              level, dynamics, stereo, tone or a frequency.";
const PERHAPS_MEANT: &str = "I am not sure that this is what you asked.";

/// What is asked of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task<'a> {
    /// One line about a bar.
    Caption,
    /// The song in two sentences.
    Summarise,
    /// What to do about the findings.
    Advise,
    /// The user's question.
    Ask(&'a str),
}

/// How to decode.
#[derive(Clone, Debug)]
pub struct Decoding {
    /// Greedy unless the user asks otherwise, so that the same file gives the same words.
    pub sampling: Sampling,
    /// Tokens at the most.
    pub max_tokens: usize,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { sampling: Sampling::greedy(), max_tokens: 64 }
    }
}

/// What the model said, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// The words to show; empty if nothing stood up to the number check.
    pub text: String,
    /// The model's text before number check and post-processing.
    pub raw: String,
    /// The answer in it, with its slots.
    pub answer: String,
    /// Measured values in `text`.
    pub checked_numbers: usize,
    /// Sentences withheld: a number that no measurement backs, or an instrument that was not heard.
    pub withheld: usize,
    /// How likely those play whom the words name, 0 to 1; of a model without heads the geometric mean of the tokens' probabilities.
    pub confidence: f64,
    /// Tokens decoded.
    pub tokens: usize,
}

impl Told {
    /// Fills the slots once more, with facts that were found out since.
    pub(crate) fn refill(&mut self, facts: &Facts) {
        let filled = facts.fill(&self.answer);
        self.text = filled.text;
        self.checked_numbers = filled.checked_numbers;
        self.withheld += filled.withheld;
    }
}

/// What the language model is told of a task, of what was measured and of what was heard.
///
/// # Errors
/// Another model heard it.
pub fn instruct(
    model: &Model,
    heard: &Heard,
    task: Task<'_>,
    facts: &Facts,
) -> Result<String, EngineError> {
    let sound = Sound::of(model, heard)?;
    Ok(instruction(task, facts, knows_slots(model), sound.as_ref()))
}

/// The instruction for a task. The embedded model was trained on exactly these words (training/grammar.py): facts by name and the
/// `sound` that was heard. A model that knows no slots gets plain words.
fn instruction(task: Task<'_>, facts: &Facts, knows_slots: bool, sound: Option<&Sound>) -> String {
    if !knows_slots {
        return match task {
            Task::Caption => "Please give a caption to the music.".to_owned(),
            Task::Summarise => "Please describe the music.".to_owned(),
            Task::Advise => "What would you change in this mix?".to_owned(),
            Task::Ask(question) => question.to_owned(),
        };
    }
    let facts =
        facts.words() + &sound.map(|sound| sound.words(facts.density())).unwrap_or_default();
    match task {
        Task::Caption => format!("caption. facts: {facts}"),
        Task::Summarise => format!("summarise. facts: {facts}"),
        Task::Advise => format!("advise. facts: {facts}"),
        // The embedded model reads questions without capitals.
        Task::Ask(question) => format!("ask: {} facts: {facts}", question.trim().to_lowercase()),
    }
}

/// Whether the model writes slots for the program to fill: its tokenizer has them as tokens of their own.
pub fn knows_slots(model: &Model) -> bool {
    let knows = |slot: &str| model.tokenizer.as_ref().is_some_and(|t| t.id(slot).is_some());
    SLOTS.into_iter().any(knows)
}

/// Decodes an answer and checks its numbers. `say` gets the sentences that stand up to the check, as they are complete.
///
/// # Errors
/// The folder has no language model, or the model fails, or `cancel` was set.
pub fn tell(
    model: &Model,
    heard: &Heard,
    task: Task<'_>,
    facts: &Facts,
    decoding: &Decoding,
    cancel: &AtomicBool,
    say: &mut dyn FnMut(&str),
) -> Result<Told, EngineError> {
    let sound = Sound::of(model, heard)?;
    let mut asked = None;
    if let Task::Ask(question) = task {
        if question.len() > LONGEST_QUESTION && knows_slots(model) {
            let message = format!("it is too long: {LONGEST_QUESTION} letters at most");
            return Err(EngineError::request("ask", message));
        }
        asked = Some(facts.clone().asked(question));
    }
    let facts = asked.as_ref().unwrap_or(facts);
    if task == Task::Advise && knows_slots(model) {
        // What was found is known, and worded here.
        let advice = facts.advice();
        let told = Check { task, facts, sound: None }.settle(&advice, advice.clone());
        sentences(&told.text).for_each(say);
        return Ok(Told { confidence: 1.0, ..told });
    }
    let instruction = instruction(task, facts, knows_slots(model), sound.as_ref());
    let check = Check { task, facts, sound: sound.as_ref() };
    let mut stream = Stream::default();
    let sampling = &decoding.sampling;
    let mut on_text = |text: &str, log_prob: f64| {
        stream.raw.push_str(text);
        stream.hear_topic(log_prob);
        let reply = check.reply(&stream.raw, stream.topic_odds);
        let written = || model.manifest.prompt.as_ref().map(|prompt| prompt.answer_in(&stream.raw));
        let so_far = reply.or_else(written).unwrap_or_default();
        stream.say(&so_far, &check, say);
    };
    let answer =
        model.answer(heard, &instruction, sampling, decoding.max_tokens, cancel, &mut on_text)?;
    let mut text = check.reply(&answer.raw_text, stream.topic_odds).unwrap_or(answer.text);
    if let (Task::Caption, Some(sound)) = (task, &sound) {
        text = sound.with_playing(&text);
    }
    stream.say(&format!("{text}\n"), &check, say);
    let mut told = check.settle(&text, answer.raw_text);
    // How likely the words are right is how likely those play whom they name.
    let heads = sound.as_ref().map(|sound| sound.odds_of(&instruments(&told.text)));
    told.confidence = heads.unwrap_or(answer.confidence);
    told.tokens = answer.tokens.len();
    Ok(told)
}

/// What an answer must stand up to beside its numbers.
#[derive(Clone, Copy)]
struct Check<'a> {
    task: Task<'a>,
    facts: &'a Facts,
    sound: Option<&'a Sound>,
}

impl Check<'_> {
    /// The answer to what is known without the model, once it has said with so much certainty what is asked, as lines.
    fn reply(&self, raw: &str, topic_odds: Option<f64>) -> Option<String> {
        let mut topic = Topic::of(raw)?;
        let Task::Ask(question) = self.task else { return None };
        let names_region = Region::of(question, false).is_some();
        if topic.about == "unknowable" && !names_region {
            return Some(format!("{CANT_TELL_AT_ALL}\n"));
        }
        let named = instruments(question);
        if names_region && !topic.is_of_findings() {
            topic = Topic { about: "frequency", of: None };
        } else if topic_odds.is_some_and(|odds| odds < UNCLEAR) {
            return Some(format!("{NOT_UNDERSTOOD}\n"));
        }
        // Where the question names one instrument, that is the one which is meant: a small model may slip to another one.
        if let ("presence" | "where" | "part", [asked]) = (topic.about, &named[..]) {
            topic.of = Some(asked.name());
        }
        if let (true, Some(sound)) = (means_any_guitar(question), self.sound) {
            topic.of = topic.of.map(|of| sound.guitar_for(of));
        }
        let known = self.part(&topic, &named).or_else(|| self.facts.reply(&topic));
        let known = known.or_else(|| self.sound?.reply(&topic))?;
        let is_sure = topic.about == "frequency" || topic_odds.is_none_or(|odds| odds >= UNSURE);
        let doubt = match is_sure || known.contains("can't tell") {
            true => String::new(),
            false => format!(" {PERHAPS_MEANT}"),
        };
        Some(format!("{known}{doubt}\n"))
    }

    /// The answer to how loud one instrument is: known where it plays alone, and nowhere else.
    fn part(&self, topic: &Topic<'_>, named: &[Label]) -> Option<String> {
        let asked = match (topic.about, topic.of, named) {
            ("part", Some(of), _) => Label::from_name(of)?,
            ("loudness", _, [asked]) | ("fault", Some("too-loud" | "too-quiet"), [asked]) => *asked,
            _ => return None,
        };
        self.sound?.part(asked).or_else(|| self.facts.reply(&Topic { about: "loudness", of: None }))
    }

    /// What of the whole answer is shown.
    fn settle(&self, text: &str, raw: String) -> Told {
        let (answer, unheard) = self.heard(text);
        let filled = self.facts.fill(&answer);
        let withheld = filled.withheld + unheard;
        let (text, checked_numbers) = (filled.text, filled.checked_numbers);
        Told { text, raw, answer, checked_numbers, withheld, ..Told::default() }
    }

    /// Whether a sentence is about what was asked and names nobody who was not heard.
    fn passes(&self, sentence: &str) -> bool {
        is_about(sentence, self.task) && self.sound.is_none_or(|sound| sound.backs(sentence))
    }

    /// The sentences that pass, their slots not yet filled, and how many do not; that it can't be told where none is left.
    fn heard(&self, answer: &str) -> (String, usize) {
        if !is_about(answer, self.task) {
            return (CANT_TELL.to_owned(), 0);
        }
        let (kept, dropped): (Vec<&str>, Vec<&str>) =
            sentences(answer).partition(|sentence| self.passes(sentence));
        let text = if kept.is_empty() { CANT_TELL.to_owned() } else { kept.join(" ") };
        (text, dropped.len())
    }
}

/// Whether a yes, a no or a place is about the instrument that the question names: a small model may slip to another one.
fn is_about(answer: &str, task: Task<'_>) -> bool {
    let Task::Ask(question) = task else { return true };
    let [asked] = instruments(question)[..] else { return true };
    let settles = ["Yes", "No "].iter().any(|word| answer.starts_with(word));
    if !settles && !answer.contains(WHEN) {
        return true;
    }
    // What is denied is named, too; and the pieces of a kit are in its drums.
    let named = instruments(answer.strip_prefix("No ").unwrap_or(answer));
    named.is_empty() || named.iter().any(|label| label.in_mix() == asked.in_mix())
}

/// What was said of an answer that is still being written.
#[derive(Debug, Default)]
struct Stream {
    raw: String,
    /// How likely what the question is about is what the model says, once it has said it.
    topic_odds: Option<f64>,
    /// Sentences that were said or withheld.
    settled: usize,
}

impl Stream {
    /// Takes the probability of all that came so far for the topic's, as soon as that is complete.
    fn hear_topic(&mut self, log_prob: f64) {
        if self.topic_odds.is_none() && Topic::of(&self.raw).is_some() {
            self.topic_odds = Some(log_prob.exp());
        }
    }

    /// Says the sentences of `so_far` that are complete and new: another one, or a line's end, follows them.
    fn say(&mut self, so_far: &str, check: &Check<'_>, say: &mut dyn FnMut(&str)) {
        let whole = sentences(so_far).count().saturating_sub(usize::from(!so_far.ends_with('\n')));
        for sentence in sentences(so_far).take(whole).skip(self.settled) {
            let filled = check.facts.fill(sentence);
            if check.passes(sentence) && !filled.text.is_empty() {
                say(&filled.text);
            }
        }
        self.settled = self.settled.max(whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_said_once_and_when_they_are_complete() {
        let (mut stream, mut said) = (Stream::default(), Vec::new());
        let check = Check { task: Task::Caption, facts: &Facts::default(), sound: None };
        for so_far in
            ["Dr", "Drums. It is 9", "Drums. It is 9 dB. Wa", "Drums. It is 9 dB. Warm.\n"]
        {
            stream.say(so_far, &check, &mut |sentence| said.push(sentence.to_owned()));
        }
        assert_eq!(said, ["Drums.", "Warm."], "and never with a number that nothing backs");
    }

    #[test]
    fn instructions_are_the_trained_words() {
        let facts = Facts::default();
        let check =
            |task, expected: &str| assert_eq!(instruction(task, &facts, true, None), expected);
        check(Task::Caption, "caption. facts: none");
        check(Task::Summarise, "summarise. facts: none");
        check(Task::Advise, "advise. facts: none");
        check(Task::Ask(" Any problems? "), "ask: any problems? facts: none");
        let heard = instruction(Task::Caption, &facts, true, Some(&Sound::default()));
        assert_eq!(heard, "caption. facts: none<hears><sounds>");
    }

    #[test]
    fn an_answer_about_another_instrument_is_none() {
        let check = |answer, question, expected| {
            assert_eq!(is_about(answer, Task::Ask(question)), expected, "{question} {answer}");
        };
        check("I hear drums <when>.", "in which bars do the drums play?", true);
        check("I hear bass <when>.", "in which bars do the drums play?", false);
        check("No vocals that I can hear; I hear drums.", "any vocals?", true);
        check("Yes, I hear piano.", "any vocals?", false);
        check("Yes, I hear drums.", "is there a kick?", true);
        check("I hear piano and bass.", "what plays with the vocals?", true);
        check("Yes, there is hum at <f1>.", "does the bass hum?", true);
    }

    #[test]
    fn the_instrument_that_is_named_is_the_one_that_is_meant() {
        let (facts, sound) = (Facts::default(), Sound::default());
        let reply = |question, raw| {
            let task = Task::Ask(question);
            Check { task, facts: &facts, sound: Some(&sound) }.reply(raw, Some(0.9)).unwrap()
        };
        let strings = "No strings that I can hear.\n";
        assert_eq!(reply("any strings?", "<about:presence><of:organ><say>"), strings);
        assert_eq!(reply("any violins or keys?", "<about:presence><of:strings><say>"), strings);
        assert_eq!(
            reply("is it a hit?", "<about:unknowable><say>"),
            format!("{CANT_TELL_AT_ALL}\n")
        );
    }

    #[test]
    fn a_question_that_was_hardly_understood_is_answered_so() {
        let (facts, sound) = (Facts::thin(), Sound::default());
        let reply = |question, raw, odds| {
            let task = Task::Ask(question);
            Check { task, facts: &facts, sound: Some(&sound) }.reply(raw, Some(odds)).unwrap()
        };
        let thin = "<about:fault><of:thin><say>";
        assert_eq!(reply("thin?", thin, 0.9), "Yes, the thin low end: <why1>.\n");
        let doubtful = format!("Yes, the thin low end: <why1>. {PERHAPS_MEANT}\n");
        assert_eq!(reply("weedy?", thin, 0.6), doubtful);
        assert_eq!(reply("blorp?", thin, 0.3), format!("{NOT_UNDERSTOOD}\n"));
    }

    #[test]
    fn a_frequency_is_read_off_the_question() {
        let (facts, sound) = (Facts::default(), Sound::default());
        let reply = |question, raw| {
            let asked = facts.clone().asked(question);
            let task = Task::Ask(question);
            Check { task, facts: &asked, sound: Some(&sound) }.reply(raw, Some(0.3)).unwrap()
        };
        // Whatever a small model takes it for, but for one about a fault.
        let words = "Next to nothing lies <region>. I find nothing there to change.\n";
        assert_eq!(reply("how much is below 60 Hz?", "<about:warmth><say>"), words);
        assert_eq!(reply("sub 60?", "<about:frequency><say>"), format!("{NOT_UNDERSTOOD}\n"));
        let hum = "<about:fault><of:hum><say>";
        assert_eq!(reply("hum at 50 hz?", hum), format!("{NOT_UNDERSTOOD}\n"));
    }

    #[test]
    fn the_level_of_one_instrument_is_not_that_of_the_mix() {
        let (facts, sound) = (Facts::default(), Sound::default());
        let reply = |question, raw| {
            let task = Task::Ask(question);
            Check { task, facts: &facts, sound: Some(&sound) }.reply(raw, Some(0.9)).unwrap()
        };
        let absent = "No kick that I can hear, so I can't tell the level.\n";
        assert_eq!(reply("how loud is the kick?", "<about:loudness><say>"), absent);
        assert_eq!(reply("is the kick buried?", "<about:part><of:bass><say>"), absent);
        let whole = "There is too little signal to measure its level.\n";
        assert_eq!(reply("how loud is it?", "<about:loudness><say>"), whole);
    }

    #[test]
    fn a_plain_model_gets_the_question_as_it_is() {
        let sound = Sound::default();
        let words = instruction(Task::Ask("What key?"), &Facts::default(), false, Some(&sound));
        assert_eq!(words, "What key?");
    }
}
