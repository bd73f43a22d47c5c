//! Meters that are pictures: correlation and spectrum.

use egui::{Align2, Color32, FontId, Rect, Sense, Ui, pos2, vec2};

/// Width of all meters, in points.
pub(super) const WIDTH: f32 = 220.0;
const TRACK: Color32 = Color32::from_gray(40);
const GOOD: Color32 = Color32::from_rgb(110, 180, 120);
pub(super) const ALARM: Color32 = Color32::from_rgb(240, 120, 90);
const BARS: Color32 = Color32::from_rgb(110, 150, 200);

const MARK: Color32 = Color32::from_gray(150);

/// Frequencies that are written below the spectrum.
const MARKS_HZ: [(f64, &str); 4] = [(50.0, "50"), (200.0, "200"), (1_000.0, "1k"), (5_000.0, "5k")];

/// Range of the spectrum in dBFS.
const FLOOR_DB: f64 = -90.0;
const CEILING_DB: f64 = 0.0;

/// A hand between -1 and 1; none where there is nothing to read.
pub(super) fn correlation(ui: &mut Ui, value: Option<f64>) {
    let text = value.map_or_else(|| "correlation —".to_owned(), |x| format!("correlation {x:+.2}"));
    ui.label(egui::RichText::new(text).small());
    let (rect, _) = ui.allocate_exact_size(vec2(WIDTH, 10.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, TRACK);
    let Some(value) = value else { return };
    let at = |x: f64| rect.left() + rect.width() * ((x + 1.0) / 2.0) as f32;
    let (from, to) = (at(0.0).min(at(value)), at(0.0).max(at(value)));
    let hand = Rect::from_min_max(pos2(from, rect.top()), pos2(to.max(from + 1.0), rect.bottom()));
    painter.rect_filled(hand, 2.0, if value < 0.0 { ALARM } else { GOOD });
}

/// A bar for each third octave.
pub(super) fn spectrum(ui: &mut Ui, bands: &[(f64, f64)]) {
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, 120.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, TRACK);
    let width = rect.width() / bands.len().max(1) as f32;
    for (index, (_, level_db)) in bands.iter().enumerate() {
        let share = ((level_db - FLOOR_DB) / (CEILING_DB - FLOOR_DB)).clamp(0.0, 1.0) as f32;
        let left = rect.left() + width * index as f32;
        let top = rect.bottom() - rect.height() * share;
        let bar =
            Rect::from_min_max(pos2(left + 0.5, top), pos2(left + width - 0.5, rect.bottom()));
        painter.rect_filled(bar, 1.0, BARS);
    }
    for (hz, text) in MARKS_HZ {
        let Some(index) = bands.iter().position(|(middle_hz, _)| *middle_hz >= hz * 0.99) else {
            continue;
        };
        let at = pos2(rect.left() + width * (index as f32 + 0.5), rect.bottom() + 2.0);
        painter.text(at, Align2::CENTER_TOP, text, FontId::proportional(11.0), MARK);
    }
    if let Some(at) = response.hover_pos()
        && let Some((hz, level_db)) = bands.get(((at.x - rect.left()) / width) as usize)
    {
        response.on_hover_text(format!("{hz:.0} Hz: {level_db:.1} dBFS"));
    }
}
