//! What the hub thinks with. The model is one; tests bring others, which are slow, or break.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use models::{Heard, Model};

use crate::{
    caption::{self, Decoding, Task, Told},
    embedded::OpenedModel,
    error::EngineError,
    slots::Facts,
};

/// The model and where it computes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub model: String,
    /// The device.
    pub device: String,
    /// Why `auto` fell back to the processor, where it did.
    pub fallback: Option<String>,
}

/// What one passage sounds like.
#[derive(Clone, Debug)]
pub struct Impression {
    /// What later questions need of it.
    pub sound: Heard,
    /// Stem labels with probabilities that sum to 1, likeliest first; empty where the model gives none.
    pub labels: Vec<(String, f32)>,
    /// Below this probability no label is given.
    pub abstain_below: f64,
    /// The caption.
    pub told: Told,
}

/// Something to listen to.
#[derive(Clone, Debug)]
pub struct Window {
    /// Mono audio at 24 kHz.
    pub samples: Vec<f32>,
    /// The passage that is meant, in shares of the window's length; the rest is what led to it.
    pub passage: Range<f64>,
    /// What was measured of the passage.
    pub facts: Facts,
    /// What was heard shortly before it.
    pub before: Vec<Heard>,
}

/// A question about sounds.
#[derive(Clone, Debug)]
pub struct Question {
    /// The passages it is about, in the order of time.
    pub sounds: Vec<Heard>,
    /// What was measured of them.
    pub facts: Facts,
    /// The user's words; advice on the findings where there are none.
    pub text: Option<String>,
}

/// Listens and answers. `cancel` is looked at between tokens. `[hub-thread]`
pub trait Mind: Send {
    /// What this is.
    fn about(&self) -> About;

    /// Listens to a window and captions the passage in it.
    ///
    /// # Errors
    /// The model fails, or `cancel` was raised.
    fn hear(&self, window: &Window, cancel: &AtomicBool) -> Result<Impression, EngineError>;

    /// Answers; `say` gets the checked sentences as they come.
    ///
    /// # Errors
    /// As [`Mind::hear`].
    fn answer(
        &self,
        question: &Question,
        cancel: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError>;

    /// Says what the sounds of a whole song come to. A mind that has no words for a whole says nothing.
    ///
    /// # Errors
    /// As [`Mind::hear`].
    fn sum_up(&self, _: &Question, _: &AtomicBool) -> Result<Told, EngineError> {
        Ok(Told::default())
    }
}

/// The model as a mind.
#[derive(Debug)]
pub struct Thinker {
    model: Model,
    about: About,
}

impl Thinker {
    /// A mind of this model.
    pub fn new(opened: OpenedModel) -> Self {
        let OpenedModel { model, device, fallback } = opened;
        let about = About { model: model.manifest.name.clone(), device, fallback };
        Self { model, about }
    }
}

impl Mind for Thinker {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn hear(&self, window: &Window, cancel: &AtomicBool) -> Result<Impression, EngineError> {
        let whole = self.model.soft_tokens(&window.samples)?;
        let sound = whole.part(window.passage.clone())?;
        let (labels, abstain_below) = match &self.model.heads {
            Some(heads) => (self.model.labels(&sound)?, f64::from(heads.label_abstain)),
            None => (Vec::new(), 1.0),
        };
        let decoding = Decoding::default();
        let told = caption::tell(
            &self.model,
            &sound.clone().among(&window.before),
            Task::Caption,
            &window.facts,
            &decoding,
            cancel,
            &mut |_| {},
        )?;
        Ok(Impression { sound, labels, abstain_below, told })
    }

    fn answer(
        &self,
        question: &Question,
        cancel: &AtomicBool,
        say: &mut dyn FnMut(&str),
    ) -> Result<Told, EngineError> {
        let sound = Heard::join(&question.sounds.iter().collect::<Vec<_>>())?;
        let task = question.text.as_deref().map_or(Task::Advise, Task::Ask);
        let decoding = Decoding::default();
        caption::tell(&self.model, &sound, task, &question.facts, &decoding, cancel, say)
    }

    fn sum_up(&self, question: &Question, cancel: &AtomicBool) -> Result<Told, EngineError> {
        let sound = Heard::join(&question.sounds.iter().collect::<Vec<_>>())?;
        let (task, decoding) = (Task::Summarise, Decoding::default());
        caption::tell(&self.model, &sound, task, &question.facts, &decoding, cancel, &mut |_| {})
    }
}
