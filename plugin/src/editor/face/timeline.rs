//! The list of captions: follows what plays, opens a row's details on a click.

use egui::{Align, Color32, Layout, RichText, ScrollArea, TextStyle, Ui, vec2};

use super::{Face, QUIET, Rows};
use crate::editor::view::{Listing, Row, View};

/// The bar that plays stands so far down the list.
const ABOVE_SHARE: f32 = 0.6;

const PLAYING: Color32 = Color32::from_rgb(120, 200, 140);

/// Width of a row's place and loudness.
const PLACE: f32 = 84.0;
const LOUDNESS: f32 = 76.0;

impl Face {
    pub(super) fn timeline(&mut self, ui: &mut Ui, view: &View, rows: &Rows<'_>) {
        let listing = self.choose_listing(ui, view);
        if let Some(row) = self.open.clone() {
            self.details(ui, &row);
        }
        let count = view.rows[listing as usize];
        let playing = view.playing.filter(|_| listing == Listing::Song);
        let height = ui.text_style_height(&TextStyle::Body) + 2.0;
        let mut area = ScrollArea::vertical().auto_shrink(false);
        if self.follows(playing)
            && let Some(index) = playing
        {
            let row = height + ui.spacing().item_spacing.y;
            let above = ui.available_height() * ABOVE_SHARE;
            area = area.vertical_scroll_offset((index as f32 * row - above).max(0.0));
        }
        area = area.stick_to_bottom(playing.is_none());
        let mut seen = 0..0;
        area.show_rows(ui, height, count, |ui, range| {
            seen = range.clone();
            for (index, row) in rows(listing, range.clone()).iter().enumerate() {
                self.row(ui, row, playing == Some(range.start + index), height);
            }
        });
        (self.played, self.seen) = (playing, seen);
    }

    /// Whether the list moves to the bar that plays: when that is another one, unless somebody has scrolled away from the
    /// one before.
    fn follows(&self, playing: Option<usize>) -> bool {
        let away = self.played.is_some_and(|played| !self.seen.contains(&played));
        playing != self.played && !away
    }

    fn choose_listing(&mut self, ui: &mut Ui, view: &View) -> Listing {
        let [song, free] = view.rows;
        let likely = if song > 0 || free == 0 { Listing::Song } else { Listing::Free };
        let mut listing = self.listing.unwrap_or(likely);
        if song > 0 && free > 0 {
            ui.horizontal(|ui| {
                let names = [(Listing::Song, "Song"), (Listing::Free, "Without transport")];
                for (choice, name) in names {
                    if ui.selectable_label(listing == choice, name).clicked() {
                        listing = choice;
                        self.listing = Some(choice);
                    }
                }
            });
        }
        listing
    }

    fn row(&mut self, ui: &mut Ui, row: &Row, playing: bool, height: f32) {
        let open = self.open.as_ref().is_some_and(|open| open.spot == row.spot);
        if open {
            // Its words may have come since.
            self.open = Some(row.clone());
        }
        ui.horizontal(|ui| {
            let mark = if playing { "» " } else { "" };
            let place = format!("{mark}{}", row.place);
            let place = RichText::new(place);
            column(ui, PLACE, height, if playing { place.color(PLAYING).strong() } else { place });
            column(ui, LOUDNESS, height, RichText::new(&row.loudness).small().color(QUIET));
            let text = RichText::new(&row.text);
            let text = if row.said { text } else { text.color(QUIET).italics() };
            if ui.selectable_label(open, text).on_hover_text(&row.details).clicked() {
                self.open = (!open).then(|| row.clone());
            }
        });
    }

    fn details(&mut self, ui: &mut Ui, row: &Row) {
        ui.group(|ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.label(format!("{}, {}", row.place, row.loudness));
                if ui.button("Copy").clicked() {
                    ui.copy_text(format!("{}: {}", row.place, row.text));
                }
                if ui.button("Close").clicked() {
                    self.open = None;
                }
            });
            ui.label(&row.text);
            ui.label(RichText::new(&row.details).small().color(QUIET));
        });
    }
}

/// A text that takes as much room as those above and below it.
fn column(ui: &mut Ui, width: f32, height: f32, text: RichText) {
    let size = vec2(width, height);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(egui::Label::new(text).selectable(false).truncate());
    });
}
