//! The editor's face: draws a [`View`] and says what the user wants. Knows egui, and neither the host nor the engine's
//! threads. `[gui-thread]`

mod advice;
mod bounce;
mod timeline;

use std::ops::Range;

use analysis::Target;
use egui::{Align, Color32, FontId, Layout, RichText, Sense, TextStyle, Ui, vec2};
use engine::{
    format::Format,
    hub::DeviceChoice,
    session::{BounceSettings, Dismissed},
};

use signal::audition::Trial;

use super::meters;
use super::view::{Listing, Row, View};

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Advice on the bar that was heard last.
    Advise,
    /// An answer.
    Ask(String),
    /// No more of the answer.
    Stop,
    /// Meters from zero.
    ResetMeters,
    /// Meters that stand still, or run.
    HoldMeters(bool),
    /// The captions as a file.
    Export(Format),
    /// Captions of renders written, or not.
    Arm(bool),
    /// Where and how they are written from now on.
    Bounce(BounceSettings),
    /// Captions of renders whose host ended before they were written.
    TakeUp,
    /// Such findings no more on this track.
    Dismiss(Dismissed),
    /// Such findings again.
    BringBack(Dismissed),
    /// A move tried by ear, or none.
    Hear(Option<Trial>),
    /// What the song is made for.
    Aim(Target),
    /// The model on another device.
    ComputeOn(DeviceChoice),
    /// The engine anew.
    Restart,
}

/// Rows of a timeline, wherever they come from.
pub type Rows<'a> = dyn Fn(Listing, Range<usize>) -> Vec<Row> + 'a;

/// What the face remembers from one picture to the next.
#[derive(Clone, Debug, Default)]
pub struct Face {
    question: String,
    held: bool,
    page: Page,
    /// The settings for captions of renders, as they are being typed.
    draft: Option<bounce::Draft>,
    /// What the timeline lists, where the user has chosen.
    listing: Option<Listing>,
    /// The row whose details are open, as it was seen last.
    open: Option<Row>,
    /// The row of the bar that played in the last picture, and the rows that were in sight.
    played: Option<usize>,
    seen: Range<usize>,
}

/// What the middle of the window shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Page {
    #[default]
    Song,
    Bounce,
    About,
}

/// What the host and this machine know of the instance: a hint for the user's eyes, never evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// The track's name, empty where the host tells none.
    pub name: String,
    /// Its colour.
    pub rgb: Option<[u8; 3]>,
    /// Why the instance doesn't listen, where a switch is off.
    pub deaf: Option<&'static str>,
    /// The device that the user asked for.
    pub device: DeviceChoice,
    /// The move that is tried by ear.
    pub trial: Option<Trial>,
    /// Whether captions of renders are armed.
    pub armed: bool,
    /// Where and how they are written.
    pub bounce: BounceSettings,
    /// Why that could not be read or saved.
    pub bounce_trouble: Option<String>,
}

const TEXT: Color32 = Color32::from_gray(215);
const QUIET: Color32 = Color32::from_gray(160);
const CAPTION_SIZE: f32 = 20.0;

/// Sizes of letters that can be read from a chair's distance; called once for a window.
pub(super) fn dress(context: &egui::Context) {
    context.all_styles_mut(|style| {
        for (text, size) in
            [(TextStyle::Body, 14.0), (TextStyle::Button, 14.0), (TextStyle::Small, 12.0)]
        {
            style.text_styles.insert(text, FontId::proportional(size));
        }
        style.text_styles.insert(TextStyle::Monospace, FontId::monospace(14.0));
        style.visuals.widgets.noninteractive.fg_stroke.color = TEXT;
    });
}

impl Face {
    /// Draws everything.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        view: &View,
        track: &Track,
        rows: &Rows<'_>,
    ) -> Option<Wish> {
        let mut wishes = Vec::new();
        egui::Panel::top("top").show(ui, |ui| wishes.extend(self.top(ui, view, track)));
        egui::Panel::bottom("status").show(ui, |ui| wishes.extend(status(ui, view, track)));
        egui::Panel::right("meters").resizable(false).exact_size(meters::WIDTH + 16.0).show(
            ui,
            |ui| {
                wishes.extend(self.meters(ui, view));
            },
        );
        egui::CentralPanel::default().show(ui, |ui| match self.page {
            Page::About => about(ui),
            Page::Bounce => wishes.extend(self.bounce(ui, view, track)),
            Page::Song => {
                wishes.extend(self.advice(ui, view, track.trial));
                ui.separator();
                self.timeline(ui, view, rows);
            }
        });
        // One click a picture is all that a hand can do.
        wishes.pop()
    }

    fn top(&mut self, ui: &mut Ui, view: &View, track: &Track) -> Option<Wish> {
        let mut wish = None;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if let Some([r, g, b]) = track.rgb {
                let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                ui.painter().rect_filled(rect, 2.0, Color32::from_rgb(r, g, b));
            }
            if !track.name.is_empty() {
                ui.label(RichText::new(&track.name).color(QUIET));
                ui.separator();
            }
            label(ui, view);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.turn(ui, Page::About, "About");
                self.turn(ui, Page::Bounce, &renders(view, track));
                ui.menu_button("Export", |ui| {
                    for format in Format::ALL {
                        if ui.button(format.name()).clicked() {
                            wish = Some(Wish::Export(format));
                            ui.close();
                        }
                    }
                });
            });
        });
        if let Some(trial) = track.trial {
            wish = wish.or(trying(ui, trial));
        }
        for line in view.exported.iter().chain(&view.bounced) {
            ui.label(RichText::new(line).small().color(QUIET));
        }
        ui.label(RichText::new(&view.now.place).color(QUIET));
        let now = RichText::new(track.deaf.unwrap_or(&view.now.text));
        ui.label(now.size(CAPTION_SIZE).strong());
        ui.add_space(4.0);
        wish
    }

    /// A button that opens a page, and closes it.
    fn turn(&mut self, ui: &mut Ui, page: Page, name: &str) {
        if ui.selectable_label(self.page == page, name).clicked() {
            self.page = if self.page == page { Page::Song } else { page };
            self.draft = None;
        }
    }

    fn meters(&mut self, ui: &mut Ui, view: &View) -> Option<Wish> {
        let mut wish = None;
        ui.add_space(4.0);
        egui::Grid::new("figures").num_columns(2).show(ui, |ui| {
            for (name, value) in &view.figures {
                ui.label(RichText::new(*name).color(QUIET));
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            }
        });
        ui.horizontal(|ui| {
            let word = if self.held { "Run" } else { "Pause" };
            if ui.button(word).on_hover_text("the meters only; captions go on").clicked() {
                self.held = !self.held;
                wish = Some(Wish::HoldMeters(self.held));
            }
            if ui.button("Reset").on_hover_text("integrated, range, true peak").clicked() {
                wish = Some(Wish::ResetMeters);
            }
        });
        ui.add_space(4.0);
        meters::correlation(ui, view.correlation);
        ui.add_space(4.0);
        meters::spectrum(ui, &view.bands);
        wish
    }
}

/// Says that the output is not the input, for as long as it isn't.
fn trying(ui: &mut Ui, trial: Trial) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        let text = format!("You hear {trial}, at the same loudness: the output is changed.");
        ui.label(RichText::new(text).strong().color(meters::ALARM));
        if ui.button("Back").on_hover_text("it also ends with this window").clicked() {
            wish = Some(Wish::Hear(None));
        }
    });
    wish
}

/// What the button of that page says.
fn renders(view: &View, track: &Track) -> String {
    let armed = track.armed.then(|| "armed".to_owned());
    let waiting = (view.left_renders > 0).then(|| format!("{} wait", view.left_renders));
    let what: Vec<String> = armed.into_iter().chain(waiting).collect();
    if what.is_empty() { "Renders".to_owned() } else { format!("Renders: {}", what.join(", ")) }
}

fn label(ui: &mut Ui, view: &View) {
    let per_cent = |share: f64| format!("{:.0} %", 100.0 * share);
    ui.label(RichText::new(&view.label.text).strong());
    if view.label.confidence > 0.0 {
        ui.label(RichText::new(per_cent(view.label.confidence)).color(QUIET));
    }
    for (name, confidence) in &view.label.alternatives {
        let text = format!("{name} {}", per_cent(*confidence));
        ui.label(RichText::new(text).small().color(QUIET));
    }
}

fn status(ui: &mut Ui, view: &View, track: &Track) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal_wrapped(|ui| {
        if let Some(trouble) = &view.trouble {
            ui.label(RichText::new(trouble).color(meters::ALARM));
        }
        if view.can_restart && ui.button("Restart the engine").clicked() {
            wish = Some(Wish::Restart);
        }
    });
    ui.horizontal_wrapped(|ui| {
        let name = |device: DeviceChoice| device.to_string();
        egui::ComboBox::from_label("device").selected_text(name(track.device)).width(60.0).show_ui(
            ui,
            |ui| {
                for device in DeviceChoice::ALL {
                    if ui.selectable_label(device == track.device, name(device)).clicked() {
                        wish = Some(Wish::ComputeOn(device));
                    }
                }
            },
        );
        for line in &view.status {
            ui.label(RichText::new(line).small().color(QUIET));
            ui.separator();
        }
    });
    wish
}

fn about(ui: &mut Ui) {
    ui.heading(format!("Barline {}", env!("CARGO_PKG_VERSION")));
    for line in [
        "Listens to a track and says what it hears. What is a number here was measured.",
        "Nothing leaves this machine: no network, no account, no statistics.",
        "Loudness after ITU-R BS.1770 and EBU R 128, true peak after BS.1770 annex 2.",
        "Licence: MIT or Apache-2.0, at your choice. The embedded model: CC BY 4.0.",
        "Made with nice-plug, egui, candle, ebur128, ringbuf and others: the file THIRD-PARTY-NOTICES in \
         the plugin's bundle has their licences.",
        "VST is a trademark of Steinberg Media Technologies GmbH.",
    ] {
        ui.label(line);
    }
}

#[cfg(test)]
mod tests;
