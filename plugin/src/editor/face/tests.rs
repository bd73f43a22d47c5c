//! The widgets, clicked and typed at without a window.

use egui::{Key, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use signal::{BarKey, FindingKind, audition::Shape};

use super::*;
use crate::editor::view::{FindingView, FoundView, Now, Spot};

#[derive(Default)]
struct Stage {
    face: Face,
    view: View,
    track: Track,
    wishes: Vec<Wish>,
}

fn rows(listing: Listing, range: Range<usize>) -> Vec<Row> {
    let row = |index: usize| Row {
        spot: match listing {
            Listing::Song => Spot::Bar(BarKey::from_quarters(4.0 * index as f64)),
            Listing::Free => Spot::Passage(index as u64),
        },
        place: format!("Bar {}", index + 1),
        loudness: "-9.5 LUFS".to_owned(),
        text: format!("{listing:?} caption {}", index + 1),
        said: true,
        details: format!("details {}", index + 1),
    };
    (range.start..range.end.min(200)).map(row).collect()
}

fn stage(view: View) -> Harness<'static, Stage> {
    let stage = Stage { view, ..Stage::default() };
    let draw = |ui: &mut Ui, stage: &mut Stage| {
        let Stage { face, view, track, wishes, .. } = stage;
        wishes.extend(face.show(ui, view, track, &rows));
    };
    Harness::builder().with_size([900.0, 560.0]).build_ui_state(draw, stage)
}

#[test]
fn every_button_says_what_it_wants() {
    let mut harness = stage(View { can_restart: true, ..View::default() });
    for (button, wish) in [
        ("Advise on this bar", Wish::Advise),
        ("Reset", Wish::ResetMeters),
        ("Pause", Wish::HoldMeters(true)),
        ("Run", Wish::HoldMeters(false)),
        ("Restart the engine", Wish::Restart),
    ] {
        harness.get_by_label(button).click();
        harness.run();
        assert_eq!(harness.state_mut().wishes.pop(), Some(wish), "{button}");
    }
    assert!(harness.state().wishes.is_empty());
}

#[test]
fn a_finding_is_dismissed_and_brought_back_and_a_target_is_chosen() {
    let hum = Dismissed { kind: FindingKind::Hum, band_hz: Some([50, 250]) };
    let line =
        FindingView { text: "hum (clear): It hums.".into(), dismisses: Some(hum), tries: None };
    let found = FoundView { title: "bar 5".into(), findings: vec![line] };
    let mut harness = stage(View { found: Some(found), ..View::default() });
    harness.get_by_label("Dismiss").click();
    harness.run();
    assert_eq!(harness.state_mut().wishes.pop(), Some(Wish::Dismiss(hum)));
    harness.state_mut().view = View { dismissed: vec![hum], ..View::default() };
    harness.run();
    harness.get_by_label("hum, 50 to 250 Hz").click();
    harness.run();
    assert_eq!(harness.state_mut().wishes.pop(), Some(Wish::BringBack(hum)));
    harness.get_by_role_and_label(Role::ComboBox, "target").click();
    harness.run();
    harness.get_by_label("streaming").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::Aim(Target::Streaming)]);
}

#[test]
fn a_move_is_heard_and_the_window_says_so_until_it_is_not() {
    let trial = Trial::new(Shape::Peak, 300.0, 1.0, -4.0);
    let line =
        FindingView { text: "muddy (clear)".into(), tries: Some(trial), ..FindingView::default() };
    let found = FoundView { title: "bar 5".into(), findings: vec![line] };
    let mut harness = stage(View { found: Some(found), ..View::default() });
    let banner = "You hear a cut of 4.0 dB at 300 Hz, at the same loudness: the output is changed.";
    assert!(harness.query_by_label(banner).is_none());
    harness.get_by_label("Hear it").click();
    harness.run();
    assert_eq!(harness.state_mut().wishes.pop(), Some(Wish::Hear(Some(trial))));
    harness.state_mut().track.trial = Some(trial);
    harness.run();
    for button in ["Back", "Hear it"] {
        harness.get_by_label(banner);
        harness.get_by_label(button).click();
        harness.run();
        assert_eq!(harness.state_mut().wishes.pop(), Some(Wish::Hear(None)), "{button}");
    }
}

#[test]
fn a_question_is_typed_and_entered_and_an_empty_one_is_none() {
    let mut harness = stage(View::default());
    harness.get_by_label("Ask").click();
    harness.run();
    assert!(harness.state().wishes.is_empty());
    let field = harness.get_by_role(Role::TextInput);
    field.focus();
    harness.run();
    harness.get_by_role(Role::TextInput).type_text("  too loud?  ");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::Ask("too loud?".to_owned())]);
}

#[test]
fn the_keyboard_reaches_the_first_button() {
    let mut harness = stage(View::default());
    let mut reached = false;
    for _ in 0..40 {
        harness.key_press(Key::Tab);
        harness.run();
        if harness.get_by_label("Advise on this bar").is_focused() {
            harness.key_press(Key::Space);
            harness.run();
            reached = harness.state().wishes == [Wish::Advise];
            break;
        }
    }
    assert!(reached);
}

#[test]
fn captions_are_exported_in_the_format_that_was_chosen() {
    let mut harness = stage(View::default());
    harness.get_by_label("Export").click();
    harness.run();
    harness.get_by_label("SubRip").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::Export(Format::Srt)]);
}

#[test]
fn another_device_is_chosen() {
    let mut harness = stage(View::default());
    harness.get_by_role_and_label(Role::ComboBox, "device").click();
    harness.run();
    harness.get_by_label("cuda").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::ComputeOn(DeviceChoice::Cuda)]);
}

#[test]
fn the_row_that_plays_is_marked_and_in_sight() {
    let view = View { rows: [200, 0], playing: Some(150), lively: true, ..View::default() };
    let mut harness = stage(view);
    harness.run();
    assert!(harness.query_by_label("» Bar 151").is_some());
    assert!(harness.query_by_label("Bar 1").is_none(), "far away");
}

#[test]
fn the_list_follows_the_song_unless_somebody_has_scrolled_away() {
    let view = View { rows: [200, 0], playing: Some(100), ..View::default() };
    let mut harness = stage(view);
    harness.state_mut().view.playing = Some(101);
    harness.run();
    assert!(harness.query_by_label("» Bar 102").is_some());
    harness.get_by_label("» Bar 102").hover();
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, 1_500.0),
        phase: egui::TouchPhase::Move,
        modifiers: egui::Modifiers::NONE,
        source: egui::MouseWheelSource::Wheel,
    });
    // Wheels scroll smoothly.
    harness.run_steps(20);
    assert!(harness.query_by_label("» Bar 102").is_none(), "scrolled away");
    harness.state_mut().view.playing = Some(102);
    harness.run();
    assert!(harness.query_by_label("» Bar 103").is_none(), "somebody reads");
}

#[test]
fn a_click_on_a_row_opens_its_details_and_copies_them_on_request() {
    let mut harness = stage(View { rows: [3, 0], ..View::default() });
    harness.get_by_label("Song caption 2").click();
    harness.run();
    assert!(harness.query_by_label("details 2").is_some());
    harness.get_by_label("Copy").click();
    harness.step();
    let copied =
        harness.output().platform_output.commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
    assert_eq!(copied.as_deref(), Some("Bar 2: Song caption 2"));
    harness.get_by_label("Close").click();
    harness.run();
    assert!(harness.query_by_label("details 2").is_none());
}

#[test]
fn both_lists_can_be_chosen_where_there_are_both() {
    let mut harness = stage(View { rows: [2, 3], ..View::default() });
    assert!(harness.query_by_label("Song caption 1").is_some());
    harness.get_by_label("Without transport").click();
    harness.run();
    assert!(harness.query_by_label("Free caption 3").is_some());
    assert!(harness.query_by_label("Song caption 1").is_none());
}

#[test]
fn a_deaf_instance_says_so_instead_of_old_words() {
    let now = Now { place: "Bar 3".to_owned(), text: "Drums.".to_owned() };
    let mut harness = stage(View { now, ..View::default() });
    assert!(harness.query_by_label("Drums.").is_some());
    harness.state_mut().track.deaf = Some("Not listening: off.");
    harness.run();
    assert!(harness.query_by_label("Drums.").is_none());
    assert!(harness.query_by_label("Not listening: off.").is_some());
}

#[test]
fn renders_that_wait_are_told_and_taken_up() {
    let leftover = Some("2 renders wait".to_owned());
    let mut harness = stage(View { leftover, left_renders: 2, ..View::default() });
    harness.get_by_label("Renders: 2 wait").click();
    harness.run();
    assert!(harness.query_by_label("2 renders wait").is_some());
    harness.get_by_label("Write the captions of what waits").click();
    harness.run();
    assert!(harness.state().wishes.is_empty(), "without a folder there is nowhere to write");
    harness.state_mut().track.bounce.folder = Some("/captions".into());
    harness.run();
    harness.get_by_label("Write the captions of what waits").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::TakeUp]);
}

#[test]
fn what_it_is_and_that_it_keeps_quiet_stands_in_the_about_box() {
    let mut harness = stage(View::default());
    harness.get_by_label("About").click();
    harness.run();
    assert!(harness.query_by_label_contains("Nothing leaves this machine").is_some());
    assert!(harness.query_by_label_contains("MIT or Apache-2.0").is_some());
}

#[test]
fn captions_of_renders_are_armed_once_a_folder_is_saved() {
    let mut harness = stage(View::default());
    harness.get_by_label("Renders").click();
    harness.run();
    harness.get_by_label("Not armed").click();
    harness.run();
    assert!(harness.state().wishes.is_empty(), "without a folder there is nothing to arm");
    harness.get_by_label("Folder").focus();
    harness.run();
    harness.get_by_label("Folder").type_text("/captions");
    harness.run();
    harness.get_by_label("Save").click();
    harness.run();
    let wanted = BounceSettings { folder: Some("/captions".into()), ..BounceSettings::default() };
    assert_eq!(harness.state_mut().wishes.pop(), Some(Wish::Bounce(wanted.clone())));
    harness.state_mut().track.bounce = wanted;
    harness.run();
    harness.get_by_label("Not armed").click();
    harness.run();
    assert_eq!(harness.state().wishes, [Wish::Arm(true)]);
}
