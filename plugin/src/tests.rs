//! What can be checked without a host: the wall against panics, identity, and what a state brings back.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;

use super::*;
use saved::TIMELINE;

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
fn a_state_with_a_broken_timeline_changes_nothing() {
    let params = BTreeMap::from([("listen".to_owned(), ParamValue::Bool(false))]);
    let good = r#"{"version":1,"bars":[]}"#;
    for (timeline, taken) in
        [(good, true), ("rubbish", false), (r#"{"version":9,"bars":[]}"#, false)]
    {
        let fields = BTreeMap::from([(TIMELINE.to_owned(), timeline.to_owned())]);
        let mut state = PluginState { version: String::new(), params: params.clone(), fields };
        Barline::filter_state(&mut state);
        assert_eq!(state.params.contains_key("listen"), taken, "{timeline}");
        assert_eq!(state.fields.contains_key(TIMELINE), taken, "{timeline}");
    }
}
