//! JSON: one object, with the fields that `barline caption --json` prints for a file.

use serde::Serialize;

use crate::timeline::{SCHEMA, Timeline};

#[derive(Serialize)]
struct Object<'a> {
    schema: u32,
    file: &'a str,
    #[serde(flatten)]
    timeline: Timeline,
}

pub(super) fn write(timeline: &Timeline, title: &str) -> String {
    let object = Object { schema: SCHEMA, file: title, timeline: timeline.clone().explained() };
    serde_json::to_string_pretty(&object).expect("a timeline is plain data with string keys") + "\n"
}
