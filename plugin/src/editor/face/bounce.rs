//! The page about captions of renders: the switch, the folder, names and formats, and renders that wait.

use egui::{RichText, TextEdit, Ui};
use engine::{format::Format, session::BounceSettings};

use super::{Face, QUIET, Track, Wish};
use crate::editor::meters;
use crate::editor::view::View;

impl Face {
    /// Draws the page on what `track` says of switch and settings.
    pub(super) fn bounce(&mut self, ui: &mut Ui, view: &View, track: &Track) -> Option<Wish> {
        let mut wish = None;
        let saved = &track.bounce;
        if let Some(trouble) = &track.bounce_trouble {
            ui.label(RichText::new(trouble).color(meters::ALARM));
        }
        ui.heading("Captions of renders");
        ui.label("While this is on, every pass over the song is written as captions: an export, a bounce, or playing on.");
        let word = if track.armed { "Armed" } else { "Not armed" };
        let switch = egui::Button::selectable(track.armed, RichText::new(word).size(20.0));
        if ui
            .add_enabled(
                saved.folder.is_some() || track.armed,
                switch.min_size(egui::vec2(160.0, 40.0)),
            )
            .clicked()
        {
            wish = Some(Wish::Arm(!track.armed));
        }
        if saved.folder.is_none() {
            ui.label(
                RichText::new(
                    "Choose a folder first: it is kept on this machine, for all projects.",
                )
                .color(QUIET),
            );
        }
        let draft = self.draft.get_or_insert_with(|| Draft::of(saved));
        egui::Grid::new("bounce").num_columns(2).show(ui, |ui| {
            for (name, text) in [("Folder", &mut draft.folder), ("Names", &mut draft.pattern)] {
                let label = ui.label(name);
                ui.add(TextEdit::singleline(text).desired_width(420.0)).labelled_by(label.id);
                ui.end_row();
            }
        });
        ui.label(RichText::new("Names may hold {track}, {label}, {bars} and {date}; a file that is there is never overwritten.").small().color(QUIET));
        ui.horizontal_wrapped(|ui| {
            for format in Format::ALL {
                let mut on = draft.formats.contains(&format);
                if ui.checkbox(&mut on, format.name()).changed() {
                    draft.formats.retain(|have| *have != format);
                    draft.formats.extend(on.then_some(format));
                }
            }
        });
        let wanted = draft.settings();
        let save = egui::Button::new("Save");
        if ui.add_enabled(wanted != *saved && wanted.is_whole(), save).clicked() {
            wish = Some(Wish::Bounce(wanted));
        }
        wish.or(leftover(ui, view, track))
    }
}

/// Renders whose host ended too early, and the offer to take them up.
fn leftover(ui: &mut Ui, view: &View, track: &Track) -> Option<Wish> {
    let text = view.leftover.as_ref()?;
    ui.separator();
    ui.label(text);
    let can = view.left_renders > 0 && track.bounce.folder.is_some();
    let clicked =
        ui.add_enabled(can, egui::Button::new("Write the captions of what waits")).clicked();
    clicked.then_some(Wish::TakeUp)
}

/// The settings as they are being typed.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    folder: String,
    pattern: String,
    formats: Vec<Format>,
}

impl Draft {
    fn of(saved: &BounceSettings) -> Self {
        let BounceSettings { folder, pattern, formats } = saved.clone();
        let folder = folder.map(|folder| folder.display().to_string()).unwrap_or_default();
        Self { folder, pattern, formats }
    }

    fn settings(&self) -> BounceSettings {
        let folder = self.folder.trim();
        let folder = (!folder.is_empty()).then(|| folder.into());
        // In the order of the screen, whatever the order of the clicks.
        let formats = Format::ALL.into_iter().filter(|format| self.formats.contains(format));
        BounceSettings { folder, pattern: self.pattern.clone(), formats: formats.collect() }
    }
}
