//! From a window and its facts to checked words: the instruction that the language model was trained on, decoding, slots.

use std::sync::atomic::AtomicBool;

use models::{Heard, Model, Sampling};

use crate::{
    error::EngineError,
    slots::{Facts, SLOTS, WHEN, sentences},
    sound::Sound,
    topic::Topic,
    vocabulary::instruments,
};

/// What is said where no sentence stood up to the checks.
pub(crate) const CANT_TELL: &str = "I can't tell from this.";

/// The answer to what no sound tells.
const CANT_TELL_AT_ALL: &str = "I can't tell from this; I only hear and measure the sound.";

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
    /// Geometric mean of the tokens' probabilities, 0 to 1.
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
    Ok(instruction(task, facts, &slots(model), sound.as_ref()))
}

/// The instruction for a task. The embedded model was trained on exactly these words (training/grammar.py); it names facts that
/// have one of the `slots` that the model knows and the `sound` that was heard, and a model that knows no slots gets plain words.
fn instruction(task: Task<'_>, facts: &Facts, slots: &[&str], sound: Option<&Sound>) -> String {
    if slots.is_empty() {
        return match task {
            Task::Caption => "Please give a caption to the music.".to_owned(),
            Task::Summarise => "Please describe the music.".to_owned(),
            Task::Advise => "What would you change in this mix?".to_owned(),
            Task::Ask(question) => question.to_owned(),
        };
    }
    let facts = facts.words(slots) + &sound.map(Sound::to_string).unwrap_or_default();
    match task {
        Task::Caption => format!("caption. facts: {facts}"),
        Task::Summarise => format!("summarise. facts: {facts}"),
        Task::Advise => format!("advise. facts: {facts}"),
        // The embedded model reads questions without capitals.
        Task::Ask(question) => format!("ask: {} facts: {facts}", question.trim().to_lowercase()),
    }
}

/// The slots that the model writes for the program to fill: its tokenizer has them as tokens of their own.
fn slots(model: &Model) -> Vec<&'static str> {
    let knows = |slot: &&str| model.tokenizer.as_ref().is_some_and(|t| t.id(slot).is_some());
    SLOTS.into_iter().filter(knows).collect()
}

/// Whether the model writes slots at all.
pub fn knows_slots(model: &Model) -> bool {
    !slots(model).is_empty()
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
    let instruction = instruction(task, facts, &slots(model), sound.as_ref());
    let check = Check { task, facts, sound: sound.as_ref() };
    let mut stream = Stream::default();
    let sampling = &decoding.sampling;
    let mut on_text = |text: &str| {
        stream.raw.push_str(text);
        let reply = check.reply(&stream.raw);
        let written = || model.manifest.prompt.as_ref().map(|prompt| prompt.answer_in(&stream.raw));
        let so_far = reply.or_else(written).unwrap_or_default();
        stream.say(&so_far, &check, say);
    };
    let answer =
        model.answer(heard, &instruction, sampling, decoding.max_tokens, cancel, &mut on_text)?;
    let text = check.reply(&answer.raw_text).unwrap_or(answer.text);
    stream.say(&format!("{text}\n"), &check, say);
    let confidence = answer.mean_log_prob.exp().clamp(0.0, 1.0);
    Ok(Told { confidence, tokens: answer.tokens.len(), ..check.settle(&text, answer.raw_text) })
}

/// What an answer must stand up to beside its numbers.
#[derive(Clone, Copy)]
struct Check<'a> {
    task: Task<'a>,
    facts: &'a Facts,
    sound: Option<&'a Sound>,
}

impl Check<'_> {
    /// The answer to what is known without the model, once it has said what is asked, as lines.
    fn reply(&self, raw: &str) -> Option<String> {
        let mut topic = Topic::of(raw)?;
        if topic.about == "unknowable" {
            return Some(format!("{CANT_TELL_AT_ALL}\n"));
        }
        // Where the question names one instrument, that is the one which is meant: a small model may slip to another one.
        if let (Task::Ask(question), "presence" | "where") = (self.task, topic.about)
            && let [asked] = instruments(question)[..]
        {
            topic.of = Some(asked.name());
        }
        let known = self.facts.reply(&topic).or_else(|| self.sound?.reply(&topic))?;
        Some(format!("{known}\n"))
    }

    /// What of the whole answer is shown. Where the model's words for a finding are withheld, the findings' own stand.
    fn settle(&self, text: &str, raw: String) -> Told {
        let (mut answer, unheard) = self.heard(text);
        let mut filled = self.facts.fill(&answer);
        let mut withheld = filled.withheld + unheard;
        if withheld > 0 && self.is_advice(&raw) {
            answer = self.facts.advice();
            filled = self.facts.fill(&answer);
            withheld = filled.withheld;
        }
        let (text, checked_numbers) = (filled.text, filled.checked_numbers);
        Told { text, raw, answer, checked_numbers, withheld, ..Told::default() }
    }

    /// Whether an answer tells the findings.
    fn is_advice(&self, raw: &str) -> bool {
        self.task == Task::Advise || Topic::of(raw).is_some_and(|topic| topic.about == "faults")
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
    /// Sentences that were said or withheld.
    settled: usize,
}

impl Stream {
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
            |task, expected: &str| assert_eq!(instruction(task, &facts, &SLOTS, None), expected);
        check(Task::Caption, "caption. facts: none");
        check(Task::Summarise, "summarise. facts: none");
        check(Task::Advise, "advise. facts: none");
        check(Task::Ask(" Any problems? "), "ask: any problems? facts: none");
        let heard = instruction(Task::Caption, &facts, &SLOTS, Some(&Sound::default()));
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
            Check { task, facts: &facts, sound: Some(&sound) }.reply(raw).unwrap()
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
    fn findings_stand_where_the_words_for_them_do_not() {
        let facts = Facts::thin();
        let told = |task, text: &str, raw: &str| {
            let check = Check { task, facts: &facts, sound: None };
            check.settle(text, raw.to_owned())
        };
        // There is no boost that would help, so there is no gain to fill in.
        let words = "The low end is thin; try <g1> around <f1>.";
        let stands = "Begin with the thin low end: there is no body.";
        let advice = told(Task::Advise, words, words);
        assert_eq!((advice.text.as_str(), advice.withheld), (stands, 0));
        assert_eq!(told(Task::Ask("so?"), words, "<about:faults><say>").text, stands);
        assert_eq!(told(Task::Caption, words, words).withheld, 1);
    }

    #[test]
    fn a_plain_model_gets_the_question_as_it_is() {
        let sound = Sound::default();
        let words = instruction(Task::Ask("What key?"), &Facts::default(), &[], Some(&sound));
        assert_eq!(words, "What key?");
    }
}
