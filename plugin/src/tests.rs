//! What can be checked without a host: the wall against panics, identity, and what a state brings back.

use std::collections::BTreeMap;

use analysis::Target;
use engine::session::Dismissed;
use nice_plug::plugin::ParamValue;
use signal::FindingKind;

use super::*;
use saved::{TASTE, TIMELINE};

#[test]
fn a_panic_is_caught_and_the_rest_of_the_instance_stays_silent() {
    let guard = Guard::default();
    assert_eq!(guard.run(|| 1), Some(1));
    assert!(!guard.tripped());
    assert_eq!(guard.run(|| panic!("planted")), None::<()>);
    assert!(guard.tripped());
    let mut ran = false;
    assert_eq!(guard.run(|| ran = true), None);
    assert!(!ran, "code ran after a panic");
}

#[test]
fn a_panic_outside_an_instance_is_caught_too() {
    guard::quietly(|| panic!("planted"));
}

#[test]
fn a_question_is_never_loaded() {
    for saved in [Some(ParamValue::Bool(true)), Some(ParamValue::F32(1.0)), None] {
        let params = saved.into_iter().map(|value| ("ask".to_owned(), value)).collect();
        let mut state = PluginState { version: String::new(), params, fields: BTreeMap::new() };
        Barline::filter_state(&mut state);
        assert!(matches!(state.params["ask"], ParamValue::Bool(false)));
    }
}

#[test]
fn other_parameters_are_left_as_saved() {
    let params = BTreeMap::from([("listen".to_owned(), ParamValue::Bool(false))]);
    let mut state = PluginState { version: String::new(), params, fields: BTreeMap::new() };
    Barline::filter_state(&mut state);
    assert!(matches!(state.params["listen"], ParamValue::Bool(false)));
}

#[test]
fn the_identity_is_the_one_that_projects_have_saved() {
    assert_eq!(Barline::CLAP_ID, "audio.barline.barline");
    assert_eq!(&Barline::VST3_CLASS_ID, b"BarlineHearsBars");
    let ids: Vec<String> =
        Barline::default().params().param_map().into_iter().map(|(id, _, _)| id).collect();
    assert_eq!(ids, ["listen", "ask", "arm_captions", "bypass"]);
}

#[test]
fn a_state_in_which_something_is_broken_changes_nothing() {
    let params = BTreeMap::from([("listen".to_owned(), ParamValue::Bool(false))]);
    for (key, saved, taken) in [
        (TIMELINE, r#"{"version":1,"bars":[]}"#, true),
        (TIMELINE, "rubbish", false),
        (TIMELINE, r#"{"version":9,"bars":[]}"#, false),
        (TASTE, r#"{"version":1,"dismissed":[{"kind":"hum"}],"target":"club"}"#, true),
        (TASTE, "rubbish", false),
        (TASTE, r#"{"version":1,"target":"radio"}"#, false),
        (TASTE, r#"{"version":9}"#, false),
    ] {
        let fields = BTreeMap::from([(key.to_owned(), saved.to_owned())]);
        let mut state = PluginState { version: String::new(), params: params.clone(), fields };
        Barline::filter_state(&mut state);
        assert_eq!(state.params.contains_key("listen"), taken, "{saved}");
        assert_eq!(state.fields.contains_key(key), taken, "{saved}");
    }
}

#[test]
fn what_was_chosen_on_a_track_is_saved_and_brought_back() {
    let saves = |barline: &Barline| barline.params.serialize_fields();
    let (first, second) = (Barline::default(), Barline::default());
    let hum = Dismissed { kind: FindingKind::Hum, band_hz: Some([50, 250]) };
    let remote = first.remote().expect("a session");
    remote.taste().dismiss(hum);
    remote.taste().aim(Target::Streaming);
    second.params.deserialize_fields(&saves(&first));
    let choices = second.remote().expect("a session").choices();
    assert_eq!((choices.dismissed(), choices.target), (&[hum][..], Target::Streaming));
    assert_eq!(saves(&second), saves(&first));
    // A project from before there were choices leaves them alone.
    let old = BTreeMap::from([(TIMELINE.to_owned(), r#"{"version":1,"bars":[]}"#.to_owned())]);
    second.params.deserialize_fields(&old);
    assert_eq!(second.remote().expect("a session").choices(), choices);
}
