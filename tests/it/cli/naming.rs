//! `barline label --rename`: nothing is renamed unasked, overwritten or lost, and all of it can be taken back.

use std::fs;

use serde_json::Value;

use super::{
    array, assert_object,
    fixture::{Folder, kick},
    run::{Ran, barline},
};

/// A folder with files that hold a kick drum.
fn kicks(names: &[&str]) -> (Folder, String) {
    let folder = Folder::new();
    names.iter().for_each(|name| kick(&folder.path(name)));
    let dir = folder.0.path().to_str().unwrap().to_owned();
    (folder, dir)
}

fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.0.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn renamed_to(ran: &Ran) -> Vec<Option<String>> {
    let name = |row: &Value| row.get("renamed_to").and_then(Value::as_str).map(str::to_owned);
    array(ran).iter().map(name).collect()
}

#[test]
fn files_are_renamed_only_when_asked() {
    let (folder, dir) = kicks(&["Audio 1.wav"]);
    let preview = barline(["label", "--rename", "--json", &dir]);
    assert_eq!(renamed_to(&preview), [Some(folder.name("kick.wav"))], "{}", preview.stdout);
    assert_eq!(names_in(&folder), ["Audio 1.wav"]);
    let ran = barline(["label", "--rename", &dir]);
    assert!(ran.stdout.ends_with("nothing was renamed: add --yes to rename\n"), "{}", ran.stdout);
    let ran = barline(["label", "--rename", "--yes", &dir]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(&folder.name("barline-undo-1.json")), "{}", ran.stderr);
    assert_eq!(names_in(&folder), ["barline-undo-1.json", "kick.wav"]);
}

#[test]
fn a_renaming_is_taken_back_in_text_and_json() {
    for json in [false, true] {
        let (folder, dir) = kicks(&["Audio 1.wav", "Audio 2.wav"]);
        assert_eq!(barline(["label", "--rename", "--yes", &dir]).code, 0);
        assert_eq!(names_in(&folder), ["barline-undo-1.json", "kick-2.wav", "kick.wav"]);
        let undo = folder.name("barline-undo-1.json");
        let undone =
            barline(["label", "--undo", &undo].into_iter().chain(json.then_some("--json")));
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        assert_eq!(names_in(&folder), ["Audio 1.wav", "Audio 2.wav", "barline-undo-1.json"]);
        if json {
            array(&undone).iter().for_each(|row| assert_object(row, &["renamed_to"]));
            let back = ["Audio 2.wav", "Audio 1.wav"].map(|name| Some(folder.name(name)));
            assert_eq!(renamed_to(&undone), back);
        } else {
            assert!(undone.stdout.contains(" -> "), "{}", undone.stdout);
        }
        // A second time there is nothing to take back.
        let again = barline(["label", "--undo", &undo, "--json"]);
        assert_eq!(again.code, 1);
        assert!(array(&again).iter().all(|row| row["error"]["field"] == "renamed_to"));
    }
    let ran = barline(["label", "--undo", "nowhere.json", "--json"]);
    assert_eq!((ran.code, &array(&ran)[0]["error"]["field"]), (1, &Value::from("undo")));
}

#[test]
fn a_file_that_is_named_twice_is_one_file() {
    let (folder, dir) = kicks(&["Audio 1.wav", "Audio 2.wav"]);
    let (one, other) = (folder.name("Audio 1.wav"), folder.name("./Audio 1.wav"));
    let ran = barline(["label", "--rename", "--yes", "--json", &one, &other, &dir, &one]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let to = ["kick.wav", "kick-2.wav"].map(|name| Some(folder.name(name)));
    assert_eq!(renamed_to(&ran), to);
    assert_eq!(names_in(&folder), ["barline-undo-1.json", "kick-2.wav", "kick.wav"]);
    let undo: Value =
        serde_json::from_slice(&fs::read(folder.path("barline-undo-1.json")).unwrap()).unwrap();
    assert_eq!(undo.as_array().unwrap().len(), 2, "{undo}");
}

#[test]
fn renaming_and_taking_back_overwrite_nothing() {
    let (folder, dir) = kicks(&["Audio 1.wav"]);
    fs::write(folder.path("kick.wav"), "no music in here").unwrap();
    let ran = barline(["label", "--rename", "--yes", &dir]);
    assert_eq!(ran.code, 1, "the other one is no audio file");
    assert_eq!(fs::read_to_string(folder.path("kick.wav")).unwrap(), "no music in here");
    assert_eq!(names_in(&folder), ["barline-undo-1.json", "kick-2.wav", "kick.wav"]);
    fs::write(folder.path("Audio 1.wav"), "new here").unwrap();
    let ran = barline(["label", "--undo", &folder.name("barline-undo-1.json")]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stderr.contains("Audio 1.wav"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(folder.path("Audio 1.wav")).unwrap(), "new here");
    assert!(folder.path("kick-2.wav").exists());
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_fail_and_the_others_are_done() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let (folder, dir) = kicks(&["z.wav"]);
    let odd = folder.0.path().join(OsStr::from_bytes(b"take\xff.wav"));
    fs::copy(folder.path("z.wav"), &odd).unwrap();
    let shown = odd.to_string_lossy().into_owned();
    let check = |command: &str, files: &[&OsStr]| {
        let args = [command, "--json"].map(OsStr::new);
        let ran = barline(args.iter().chain(files));
        assert_eq!(ran.code, 1, "{command}: {}", ran.stderr);
        let rows = array(&ran);
        assert_eq!(rows.len(), 2, "{command}: {rows:?}");
        assert_eq!(
            (&rows[0]["file"], &rows[0]["error"]["field"]),
            (&shown.as_str().into(), &"file".into())
        );
        assert!(rows[0]["error"]["message"].as_str().unwrap().contains("UTF-8"), "{rows:?}");
        assert!(rows[1].get("error").is_none(), "{command}: {rows:?}");
    };
    check("label", &[OsStr::new(&dir)]);
    let named = [odd.as_os_str(), folder.path("z.wav").as_os_str()].map(ToOwned::to_owned);
    let named = named.each_ref().map(|name| name.as_os_str());
    for command in ["measure", "caption", "label", "advise"] {
        check(command, &named);
    }
}
