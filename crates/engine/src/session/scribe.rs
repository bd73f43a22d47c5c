//! What an instance brings to the hub and gets back: captions of its passages, the label of its track, answers.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use models::Heard;
use signal::{BarKey, Finding, Label, Measurements};

use super::answer::{Answer, AnswerState};
use super::company::masked;
use super::report::{Named, Words};
use super::sounds::Sounds;
use super::{Dismissed, Shared};
use crate::conversation::Conversation;
use crate::hub::{Hub, Impression, Question, Reply, Seat, Window};
use crate::{
    caption::Told,
    compare::{bar_in, differences, extremes, holds},
    label,
    narrate::{TOO_LITTLE, believe, enough},
    nearby::NEAR_S,
    neighbours::{BarSheet, Neighbours},
    places::in_words,
    slots::{BARS, Facts, LOUDEST, OTHER},
    timeline::Stretch,
};

/// Passages whose sound and measurements are kept for questions.
const REMEMBERED: usize = 64;

/// A passage's weight in the track's label sinks by this factor with each later one.
const FADE: f64 = 0.95;

/// The embedded model's words for a finding that the user doesn't want to hear of (training/followups.py). Here they are true: it
/// is dismissed.
const PROMISE: &str = "I won't bring it up on this track";
const OFFER: &str = "You can dismiss";
const DONE: &str = "I have dismissed";

/// Below this the caption is "too little to say", as in files.
const MIN_CONFIDENCE: f64 = 0.1;

/// What became of a passage, as the follower and the meters tell it.
#[derive(Debug)]
pub(super) struct Heading {
    /// The report's number of the passage.
    pub(super) id: u64,
    /// The bar in the notebook.
    pub(super) key: Option<BarKey>,
    /// The bar's number.
    pub(super) bar: Option<i64>,
    /// What was measured; tempo where the host's clock gives it.
    pub(super) measured: Measurements,
    /// Its length in seconds.
    pub(super) length_s: f64,
    /// How much was heard of it, in words.
    pub(super) extent: String,
    /// Its levels, where it is a bar that was heard whole.
    pub(super) sheet: Option<BarSheet>,
    /// When it had been heard to its end.
    pub(super) came_at: Instant,
}

/// One instance's dealings with the hub. `[session-thread]`
#[derive(Debug)]
pub(super) struct Scribe {
    seat: Seat,
    /// Passages of a render that wait for the hub to be free: those of one piece, for no other is listened to meanwhile.
    queue: VecDeque<(u64, Window)>,
    /// Passages that were brought or wait, and are not yet answered.
    brought: BTreeMap<u64, Heading>,
    remembered: VecDeque<Remembered>,
    /// The passage that was heard last, where there is too little in it for the model, and what is said of it.
    hushed: Option<(Heading, &'static str)>,
    labels: Labels,
    /// The answer in the making, and what could be said in it.
    answering: Option<u64>,
    facts: Facts,
    conversation: Conversation,
    answers: u64,
    sounds: Sounds,
    summing: Summing,
}

/// How far the summary of a render is.
#[derive(Debug, Default)]
enum Summing {
    #[default]
    Idle,
    /// Asked for, under this number.
    Asked(u64),
    Done(String),
}

#[derive(Debug)]
struct Remembered {
    heading: Heading,
    sound: Heard,
}

/// The running mean of the passages' label probabilities.
#[derive(Debug, Default)]
struct Labels {
    sums: BTreeMap<String, f64>,
    weight: f64,
}

impl Scribe {
    pub(super) fn new(hub: &Hub) -> Self {
        Self {
            seat: hub.join(),
            queue: VecDeque::new(),
            brought: BTreeMap::new(),
            remembered: VecDeque::new(),
            hushed: None,
            labels: Labels::default(),
            answering: None,
            facts: Facts::default(),
            conversation: Conversation::default(),
            answers: 0,
            sounds: Sounds::default(),
            summing: Summing::Idle,
        }
    }

    /// Whether a passage that is brought now replaces none and waits for none.
    pub(super) fn is_free(&self) -> bool {
        self.queue.is_empty() && self.seat.is_free()
    }

    /// See [`Seat::silence`].
    pub(super) fn silence(&self) -> Option<Duration> {
        self.seat.silence()
    }

    /// Brings a passage to the hub: `samples` of a window at 24 kHz, of which it is the share `passage`. A `patient` one
    /// waits its turn; another takes the place of one that waits.
    pub(super) fn bring(
        &mut self,
        heading: Heading,
        samples: Vec<f32>,
        passage: Range<f64>,
        patient: bool,
        shared: &Shared,
    ) {
        if let Err(words) = enough(&heading.measured) {
            shared.say(heading.id, heading.key, Words::said(words.to_owned(), 0.0));
            self.hushed = Some((heading, words));
            return;
        }
        self.hushed = None;
        let findings = shared.findings(&heading.measured, None, Vec::new());
        let facts = facts(&heading.measured, &findings);
        shared.say(heading.id, heading.key, Words::Waiting);
        let id = heading.id;
        self.brought.insert(id, heading);
        let window = Window { samples, passage, facts, before: Vec::new() };
        if patient || !self.queue.is_empty() {
            self.queue.push_back((id, window));
            return self.serve();
        }
        if let Some(replaced) = self.hand_over(id, window)
            && let Some(heading) = self.brought.remove(&replaced)
        {
            shared.say(replaced, heading.key, Words::Skipped);
            shared.report.lock().skipped_passages += 1;
        }
    }

    /// Brings the next that waits, if the hub is free for it.
    fn serve(&mut self) {
        if self.seat.is_free()
            && let Some((id, window)) = self.queue.pop_front()
        {
            self.hand_over(id, window);
        }
    }

    /// Gives the hub a passage, with what was heard until now. The passage that it replaces.
    fn hand_over(&mut self, id: u64, window: Window) -> Option<u64> {
        let near = self.brought.get(&id).into_iter().flat_map(|heading| self.heard_before(heading));
        let before = near.cloned().collect();
        self.seat.hear(id, Window { before, ..window })
    }

    /// What was heard shortly before a passage, and not elsewhere in the song.
    fn heard_before<'a>(&'a self, heading: &'a Heading) -> impl Iterator<Item = &'a Heard> {
        let is_near = |passages: u64| passages as f64 * heading.length_s <= NEAR_S;
        let earlier = self.remembered.iter().rev().filter(|r| r.heading.id < heading.id);
        let lately = earlier.take_while(move |r| is_near(heading.id - r.heading.id));
        let here = move |other: &&Remembered| match (heading.bar, other.heading.bar) {
            (Some(bar), Some(other)) => is_near(bar.abs_diff(other)),
            (bar, other) => bar.is_none() && other.is_none(),
        };
        lately.filter(here).map(|remembered| &remembered.sound)
    }

    /// Takes what has come back. Whether anything has.
    pub(super) fn collect(&mut self, shared: &Shared) -> bool {
        let replies: Vec<Reply> = self.seat.replies().collect();
        let any = !replies.is_empty();
        for reply in replies {
            match reply {
                Reply::Heard(id, heard) => self.heard(id, heard, shared),
                Reply::Said(id, sentence) => {
                    if self.answering == Some(id) {
                        shared.answer(id, |answer| answer.add(&sentence));
                    }
                }
                Reply::Answered(id, told) => {
                    if matches!(self.summing, Summing::Asked(asked) if asked == id) {
                        // A render without a summary is better than none.
                        let text =
                            told.as_ref().map(|told| believe(told.clone(), MIN_CONFIDENCE).text);
                        self.summing = Summing::Done(text.unwrap_or_default());
                    }
                    if self.answering == Some(id) {
                        self.answering = None;
                        let told = told.map(|told| self.answered(id, told, shared));
                        shared.answer(id, |answer| answer.finish(told));
                    }
                }
            }
        }
        self.serve();
        any
    }

    fn heard(&mut self, id: u64, heard: Result<Box<Impression>, String>, shared: &Shared) {
        let Some(heading) = self.brought.remove(&id) else { return };
        let impression = match heard {
            Ok(impression) => *impression,
            Err(why) => return shared.say(id, heading.key, Words::Failed { why }),
        };
        self.labels.add(&impression.labels);
        if let Some(named) = self.labels.named(impression.abstain_below) {
            shared.report.lock().label = Some(named);
        }
        shared.report.lock().lag_s = Some(heading.came_at.elapsed().as_secs_f64());
        let told = believe(impression.told, MIN_CONFIDENCE);
        shared.say(id, heading.key, Words::said(told.text, told.confidence));
        self.sounds.push(id, &impression.sound);
        self.remembered.push_back(Remembered { heading, sound: impression.sound });
        if self.remembered.len() > REMEMBERED {
            self.remembered.pop_front();
        }
    }

    /// An answer is there: remembers what it speaks of, and does what it promises.
    fn answered(&mut self, id: u64, mut told: Told, shared: &Shared) -> Told {
        self.conversation.go_on(&self.facts, &told.answer);
        let Some(kind) = self.conversation.about().filter(|_| told.answer.contains(PROMISE)) else {
            return told;
        };
        shared.answer(id, |answer| {
            let met = answer.findings.iter().find(|finding| finding.kind == kind);
            if let Some(dismissed) = met.and_then(Dismissed::of) {
                shared.controls.taste.dismiss(dismissed);
                told.text = told.text.replace(OFFER, DONE);
            }
        });
        told
    }

    /// Asks about the passage that was heard last, beside what others have shown; advice where there is no question.
    pub(super) fn ask(
        &mut self,
        question: Option<String>,
        neighbours: Option<&Neighbours>,
        shared: &Shared,
    ) {
        self.stop(shared);
        self.answers += 1;
        let id = self.answers;
        let mut answer = Answer { id, question: question.clone(), ..Answer::default() };
        let hushed = self.hushed.as_ref().map(|(heading, words)| (heading, Some(*words)));
        let last = || self.remembered.back().map(|last| (&last.heading, None));
        let Some((heading, words)) = hushed.or_else(last) else {
            answer.add(TOO_LITTLE);
            answer.state = AnswerState::Done;
            return shared.report.lock().add_answer(answer);
        };
        let label = shared.label();
        let more = match (&heading.sheet, neighbours) {
            (Some(sheet), Some(neighbours)) => masked(sheet, heading.bar, neighbours, label),
            _ => Vec::new(),
        };
        let findings = shared.findings(&heading.measured, label, more);
        (answer.bar, answer.length_s) = (heading.bar, heading.length_s);
        (answer.signal_s, answer.extent) = (heading.measured.signal_s, heading.extent.clone());
        answer.findings.clone_from(&findings);
        if let Some(words) = words {
            answer.add(words);
            answer.state = AnswerState::Done;
            return shared.report.lock().add_answer(answer);
        }
        let Some(last) = self.remembered.back() else { return };
        let sounds = vec![last.sound.clone().among(self.heard_before(&last.heading))];
        self.facts = self.facts_for(question.as_deref(), last, &findings, label);
        let facts = self.facts.clone();
        shared.report.lock().add_answer(answer);
        self.answering = Some(id);
        self.seat.ask(id, Question { sounds, facts, text: question });
    }

    /// What may be said of the passage `last`, beside the others that are remembered.
    fn facts_for(
        &self,
        question: Option<&str>,
        last: &Remembered,
        findings: &[Finding],
        label: Option<Label>,
    ) -> Facts {
        let own = &last.heading.measured;
        let mut facts = facts(own, findings).after(self.conversation);
        // Of a bar that was heard several times, the last.
        let passages =
            self.remembered.iter().filter_map(|r| Some((r.heading.bar?, &r.heading.measured)));
        let bars: BTreeMap<i64, &Measurements> = passages.collect();
        let stretches: Vec<Stretch> = bars.keys().map(|&bar| Stretch::of_bar(bar)).collect();
        facts = facts.with(LOUDEST, extremes(&stretches, bars.values().copied()));
        for (index, slot) in BARS.into_iter().enumerate() {
            let Some(kind) = facts.finding(index + 1) else { break };
            let held = holds(kind, bars.values().copied(), label);
            facts = facts.with(slot, in_words(&stretches, &held));
        }
        let this = last.heading.bar;
        let before = || bars.range(..this?).next_back().map(|(&bar, _)| bar);
        let asked = question.and_then(bar_in).or_else(before).filter(|bar| Some(*bar) != this);
        let Some(bar) = asked else { return facts };
        let words = match bars.get(&bar) {
            Some(other) => differences(&format!("bar {bar}"), own, other),
            None => Some(format!("bar {bar} is none that I remember")),
        };
        facts.with(OTHER, words).with_other()
    }

    /// Has the passages `ids` summed up, with their tempo where it is steady: the words once they are there, none where nothing of
    /// them sounds. Ask again until there is something.
    pub(super) fn sum_up(&mut self, ids: Range<u64>, tempo_bpm: Option<f64>) -> Option<String> {
        match std::mem::take(&mut self.summing) {
            Summing::Done(text) => {
                self.sounds.forget_to(ids.end);
                return Some(text);
            }
            Summing::Asked(id) => self.summing = Summing::Asked(id),
            Summing::Idle => {
                let sounds: Vec<Heard> = self.sounds.spread(&ids).into_iter().cloned().collect();
                if sounds.is_empty() {
                    return Some(String::new());
                }
                let measured = Measurements { tempo_bpm, ..Measurements::default() };
                self.answers += 1;
                let question = Question { sounds, facts: facts(&measured, &[]), text: None };
                self.seat.sum_up(self.answers, question);
                self.summing = Summing::Asked(self.answers);
            }
        }
        None
    }

    /// Takes back the question that is being answered.
    pub(super) fn stop(&mut self, shared: &Shared) {
        if let Some(id) = self.answering.take() {
            self.seat.stop(id);
            shared.answer(id, |answer| answer.finish(Err("stopped".to_owned())));
        }
    }
}

/// What a caption or an answer may say of a passage: tempo from the host's clock, the rest measured.
fn facts(measured: &Measurements, findings: &[Finding]) -> Facts {
    Facts::new(measured, measured, measured.loudness_lufs, findings)
}

impl Labels {
    fn add(&mut self, labels: &[(String, f32)]) {
        if labels.is_empty() {
            return;
        }
        self.sums.values_mut().for_each(|sum| *sum *= FADE);
        self.weight = self.weight * FADE + 1.0;
        for (name, probability) in labels {
            *self.sums.entry(name.clone()).or_default() += f64::from(*probability);
        }
    }

    fn named(&self, abstain_below: f64) -> Option<Named> {
        if self.weight <= 0.0 {
            return None;
        }
        let mean = |(name, sum): (&String, &f64)| (name.clone(), (sum / self.weight) as f32);
        let labelled = label::choose(&[self.sums.iter().map(mean).collect()], abstain_below);
        Some(Named {
            label: labelled.label,
            confidence: labelled.confidence,
            alternatives: labelled.alternatives,
        })
    }
}

#[cfg(test)]
mod tests;
