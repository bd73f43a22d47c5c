//! Asking, answers and findings: what is wrong with the bar, and what the user doesn't want to hear of.

use analysis::Target;
use egui::{Key, RichText, ScrollArea, TextEdit, Ui};
use engine::session::Dismissed;
use signal::audition::Trial;

use super::{Face, QUIET, Wish};
use crate::editor::view::{AnswerView, FindingView, FoundView, View};

/// Findings that are shown of a bar that nobody asked about.
const FOUND: usize = 3;

/// Answers and findings take no more of the page than this, the list of captions has the rest; in points.
const HEIGHT: f32 = 220.0;

impl Face {
    /// Draws the upper part of the song's page.
    pub(super) fn advice(
        &mut self,
        ui: &mut Ui,
        view: &View,
        trial: Option<Trial>,
    ) -> Option<Wish> {
        let mut wish = self.ask(ui, view);
        ui.horizontal_wrapped(|ui| {
            wish = wish.take().or(aim(ui, view.target));
            wish = wish.take().or(dismissed(ui, &view.dismissed));
        });
        ScrollArea::vertical().id_salt("advice").max_height(HEIGHT).show(ui, |ui| {
            if let Some(shown) = &view.answer {
                wish = wish.take().or(answer(ui, shown, trial));
            }
            if let Some(shown) = &view.found {
                wish = wish.take().or(found(ui, shown, trial));
            }
        });
        wish
    }

    fn ask(&mut self, ui: &mut Ui, view: &View) -> Option<Wish> {
        let mut wish = None;
        let writing = view.answer.as_ref().is_some_and(|answer| answer.writing);
        ui.horizontal(|ui| {
            if ui.button("Advise on this bar").clicked() {
                wish = Some(Wish::Advise);
            }
            let buttons = 110.0;
            let width = (ui.available_width() - buttons).max(80.0);
            let field = TextEdit::singleline(&mut self.question).hint_text("Ask about this bar");
            let field = ui.add(field.desired_width(width));
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if (ui.button("Ask").clicked() || entered) && !self.question.trim().is_empty() {
                wish = Some(Wish::Ask(self.question.trim().to_owned()));
            }
            if ui.add_enabled(writing, egui::Button::new("Stop")).clicked() {
                wish = Some(Wish::Stop);
            }
        });
        wish
    }
}

fn aim(ui: &mut Ui, aimed: Target) -> Option<Wish> {
    let mut wish = None;
    egui::ComboBox::from_label("target").selected_text(aimed.name()).width(110.0).show_ui(
        ui,
        |ui| {
            for target in Target::ALL {
                if ui.selectable_label(target == aimed, target.name()).clicked() {
                    wish = Some(Wish::Aim(target));
                }
            }
        },
    );
    wish
}

fn dismissed(ui: &mut Ui, dismissed: &[Dismissed]) -> Option<Wish> {
    let mut wish = None;
    if !dismissed.is_empty() {
        ui.label(RichText::new("Dismissed on this track:").small().color(QUIET));
    }
    for known in dismissed {
        let button = ui.small_button(known.words());
        if button.on_hover_text("bring it up again").clicked() {
            wish = Some(Wish::BringBack(*known));
        }
    }
    wish
}

fn answer(ui: &mut Ui, answer: &AnswerView, trial: Option<Trial>) -> Option<Wish> {
    let drawn = ui.group(|ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(&answer.title).color(QUIET));
            if answer.writing {
                ui.spinner();
            }
        });
        ui.label(&answer.text);
        findings(ui, &answer.findings, trial)
    });
    drawn.inner
}

fn found(ui: &mut Ui, found: &FoundView, trial: Option<Trial>) -> Option<Wish> {
    ui.label(RichText::new(&found.title).small().color(QUIET));
    findings(ui, &found.findings[..found.findings.len().min(FOUND)], trial)
}

/// A line for each finding, a button to hear no more of it, and one to hear its move.
fn findings(ui: &mut Ui, findings: &[FindingView], trial: Option<Trial>) -> Option<Wish> {
    let mut wish = None;
    for finding in findings {
        ui.horizontal_top(|ui| {
            if let Some(dismisses) = finding.dismisses {
                let button = ui.small_button("Dismiss");
                if button.on_hover_text("not on this track; saved with the project").clicked() {
                    wish = Some(Wish::Dismiss(dismisses));
                }
            }
            if let Some(tries) = finding.tries {
                let on = trial == Some(tries);
                let button = ui.add(egui::Button::selectable(on, "Hear it").small());
                if button.on_hover_text(format!("{tries}, at the same loudness")).clicked() {
                    wish = Some(Wish::Hear((!on).then_some(tries)));
                }
            }
            ui.add(egui::Label::new(RichText::new(&finding.text).small().color(QUIET)).wrap());
        });
    }
    wish
}
