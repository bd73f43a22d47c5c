//! What a command works with: the workers, the model once it is needed, a progress bar, and a net under every file.

use std::{
    io::IsTerminal as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{OnceLock, atomic::AtomicBool},
    time::Duration,
};

use engine::{Context, Workers};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use models::Model;

use crate::{
    args::{Common, FileName},
    decode::Decoded,
    output::Fault,
};

/// The means of one command.
pub(crate) struct Session {
    common: Common,
    pub(crate) workers: Workers,
    model: OnceLock<Result<Model, Fault>>,
    cancel: AtomicBool,
    bar: ProgressBar,
}

impl Session {
    /// Starts the workers; the model is loaded on first use.
    pub(crate) fn new(common: &Common) -> anyhow::Result<Self> {
        let workers = Workers::new(common.threads.map(usize::from))?;
        let bar = progress_bar();
        bar.set_style(ProgressStyle::with_template(
            "{prefix} {msg:10} {bar:30} {percent:>3}% {eta}",
        )?);
        Ok(Self {
            common: common.clone(),
            workers,
            model: OnceLock::new(),
            cancel: AtomicBool::new(false),
            bar,
        })
    }

    /// The model that --model names, or the embedded one.
    ///
    /// # Errors
    /// It does not load; the same fault for every file.
    pub(crate) fn model(&self) -> Result<&Model, Fault> {
        let model = self.model.get_or_init(|| {
            self.bar.set_message("loading");
            self.load()
        });
        model.as_ref().map_err(Fault::clone)
    }

    fn load(&self) -> Result<Model, Fault> {
        let folder = self.common.model.as_deref();
        let opened = engine::open_model(folder, self.common.device, &|_| ());
        let opened = opened.map_err(|error| match folder {
            Some(folder) => Fault::of_model(folder, error),
            None => error.into(),
        })?;
        Ok(opened.model)
    }

    /// The name of the model, for tables.
    pub(crate) fn model_name(&self) -> String {
        self.common
            .model
            .as_ref()
            .map_or_else(|| "embedded".to_owned(), |dir| dir.display().to_string())
    }

    /// Works on one file: opens it, hands it to `work`, and turns every failure into a fault, even a panic in a decoder.
    pub(crate) fn file<T>(
        &self,
        name: &FileName,
        with_model: bool,
        work: impl FnOnce(&Context<'_>, &mut Decoded) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let progress = |stage: &str, done_s: f64, total_s: f64| {
            self.bar.set_length((total_s * 10.0) as u64);
            self.bar.set_position((done_s * 10.0) as u64);
            self.bar.set_message(stage.to_owned());
        };
        self.bar.set_prefix(name.to_string());
        self.bar.enable_steady_tick(Duration::from_millis(200));
        let result = guarded(|| {
            let mut source = Decoded::open(name.known()?)?;
            let model = if with_model { Some(self.model()?) } else { None };
            let context = Context {
                workers: &self.workers,
                model,
                progress: &progress,
                cancel: &self.cancel,
            };
            work(&context, &mut source)
        });
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.reset();
        result
    }

    /// Runs `work` on audio that is no file: rendered songs, clips.
    pub(crate) fn with_model<T>(
        &self,
        work: impl FnOnce(&Context<'_>, &Model) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let model = self.model()?;
        let context = Context {
            workers: &self.workers,
            model: Some(model),
            progress: &|_, _, _| {},
            cancel: &self.cancel,
        };
        work(&context, model)
    }

    /// Shows how far a long table is.
    pub(crate) fn step(&self, done: usize, total: usize, what: &str) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(what.to_owned());
        if done == total {
            self.bar.finish_and_clear();
        }
    }
}

/// Progress on stderr, where somebody reads it.
pub(crate) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    bar.set_draw_target(target);
    bar
}

/// Turns a panic into a fault, so that one file cannot spoil the others.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Fault::new("internal", format!("this is a defect of barline: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault() {
        let fault = guarded::<()>(|| panic!("boom")).unwrap_err();
        assert_eq!(fault.field, "internal");
        assert!(fault.message.contains("boom"));
    }
}
