//! The `barline` command as its users meet it: shapes of the JSON, exit codes, bad input, determinism, parity.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail as tests do")]

mod captions;
mod fixture;
mod naming;
mod run;

use std::{fs, path::Path};

use fixture::{Folder, assert_close, float_wav, golden, song, tensors};
use run::{Ran, barline, barline_with_stdin};
use serde_json::Value;

fn array(ran: &Ran) -> Vec<Value> {
    serde_json::from_str::<Value>(&ran.stdout).unwrap().as_array().unwrap().clone()
}

/// Every object has these, whatever else it has.
fn assert_object(row: &Value, fields: &[&str]) {
    for field in fields.iter().chain(&["schema", "file", "notes"]) {
        assert!(row.as_object().unwrap().contains_key(*field), "{field} is missing: {row}");
    }
}

const MEASURED: [&str; 21] = [
    "sample_rate_hz",
    "channels",
    "duration_s",
    "integrated_lufs",
    "loudness_range_lu",
    "momentary_max_lufs",
    "short_term_max_lufs",
    "true_peak_dbtp",
    "sample_peak_dbfs",
    "plr_db",
    "psr_min_db",
    "crest_db",
    "correlation",
    "width",
    "balance_db",
    "dc_offset",
    "tempo_bpm",
    "tempo_confidence",
    "key",
    "key_confidence",
    "bands",
];

#[test]
fn odd_files_are_measured_and_bad_ones_are_error_objects() {
    let folder = Folder::new();
    song(&folder.path("good.wav"), 44_100, 4.0);
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 44_100,
        bits_per_sample: 8,
        sample_format: hound::SampleFormat::Int,
    };
    let mut eight = hound::WavWriter::create(folder.path("8-bit.wav"), spec).unwrap();
    (0..44_100).for_each(|i| eight.write_sample((i % 100 - 50) as i8).unwrap());
    eight.finalize().unwrap();
    let bytes = fs::read(folder.path("good.wav")).unwrap();
    fs::write(folder.path("truncated.wav"), &bytes[..bytes.len() / 2]).unwrap();
    float_wav(&folder.path("one-sample.wav"), 48_000, &[0.5]);
    let tone: Vec<f32> = (0..768_000).map(|i| (i as f32 * 0.01).sin() * 0.5).collect();
    float_wav(&folder.path("1k.wav"), 1000, &tone[..5000]);
    float_wav(&folder.path("768k.wav"), 768_000, &tone);
    let odd = ["good.wav", "8-bit.wav", "truncated.wav", "one-sample.wav", "1k.wav", "768k.wav"];
    fs::write(folder.path("empty.wav"), "").unwrap();
    fs::write(folder.path("text.wav"), "no music in here, however long the text is").unwrap();
    fs::write(folder.path("wrong.mp3"), &bytes).unwrap();
    fs::write(folder.path("noise.flac"), [0xa7; 4096]).unwrap();
    float_wav(&folder.path("nan.wav"), 48_000, &[0.1, f32::NAN, 0.1]);
    float_wav(&folder.path("infinite.wav"), 48_000, &[0.1, f32::INFINITY]);
    let bad = [
        ("missing.wav", "file"),
        ("empty.wav", "file"),
        ("text.wav", "format"),
        ("wrong.mp3", "format"),
        ("noise.flac", "format"),
        ("nan.wav", "samples"),
        ("infinite.wav", "samples"),
    ];

    // Bad ones first: the others must still be done.
    let names: Vec<String> =
        bad.iter().map(|b| b.0).chain(odd).map(|name| folder.name(name)).collect();
    let ran = barline(["measure", "--json"].into_iter().chain(names.iter().map(String::as_str)));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let rows = array(&ran);
    assert_eq!(rows.len(), names.len());
    for (row, name) in rows.iter().zip(&names) {
        assert_eq!(row["file"], *name);
    }
    for (row, (name, field)) in rows.iter().zip(bad) {
        assert_eq!(row["error"]["field"], field, "{name}: {row}");
        assert!(!row["error"]["message"].as_str().unwrap().is_empty());
    }
    for (row, name) in rows[bad.len()..].iter().zip(odd) {
        assert_object(row, &MEASURED);
        assert!(row.get("error").is_none(), "{row}");
        if name != "good.wav" {
            assert!(!row["notes"].as_object().unwrap().is_empty(), "{name}");
        }
    }
    let of = |name: &str| &rows[bad.len() + odd.iter().position(|o| *o == name).unwrap()];
    assert!((of("good.wav")["duration_s"].as_f64().unwrap() - 4.0).abs() < 1e-3);
    assert!((of("truncated.wav")["duration_s"].as_f64().unwrap() - 2.0).abs() < 1e-3);
    assert!(of("truncated.wav")["notes"]["duration_s"].as_str().unwrap().contains("truncated"));
    assert!(of("one-sample.wav")["integrated_lufs"].is_null());
    assert!(of("1k.wav")["notes"]["sample_rate_hz"].is_string());
    assert!(of("768k.wav")["notes"]["sample_rate_hz"].is_string());
}

#[test]
fn exit_codes_and_usage() {
    let folder = Folder::new();
    let good = folder.name("a.wav");
    song(&folder.path("a.wav"), 24_000, 1.0);
    for args in [
        vec!["measure"],
        vec!["measure", "--frobnicate", &good],
        vec!["measure", "--json", "--format", "text", &good],
        vec!["caption", "--json", "--format", "vtt", &good],
        vec!["caption", "--format", "vtt", &good, &good],
        vec!["caption", "--per", "beat", &good],
        vec!["advise", "--bar", "2", "--from", "1", "--to", "2", &good],
        vec!["advise", "--meter", "7/3", &good],
        vec!["advise", "--from", "2", "--to", "1", &good],
        vec!["advise", "--from", "1", "--to", "1", &good],
        vec!["caption", "--resume", "--per", "segment"],
        vec!["caption", "--resume", "--bpm", "120"],
        vec!["caption", "--resume", "--meter", "3/4"],
        vec!["caption", "--resume", "--threads", "2"],
        vec!["bench", "--seconds", "0"],
        vec!["advise", "--label", "tuba", &good],
        vec!["advise", "--target", "radio", &good],
        vec!["label", "--yes", &good],
        vec!["embed", &good],
        vec![],
    ] {
        let ran = barline(args.iter().copied());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{args:?}: {}", ran.stdout);
    }
    for args in [
        vec!["measure", &good],
        vec!["measure", "--json", "--format", "json", &good],
        vec!["--help"],
        vec!["--version"],
    ] {
        assert_eq!(barline(args.iter().copied()).code, 0, "{args:?}");
    }
    let ran = barline(["measure", "nowhere.wav"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("nowhere.wav: file: "), "{}", ran.stderr);
}

#[test]
fn standard_input_is_a_file() {
    let folder = Folder::new();
    song(&folder.path("a.wav"), 24_000, 2.0);
    let bytes = fs::read(folder.path("a.wav")).unwrap();
    let ran = barline_with_stdin(["measure", "--json", "-"], &bytes);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let row = &array(&ran)[0];
    assert_eq!(row["file"], "-");
    let named = &array(&barline(["measure", "--json", &folder.name("a.wav")]))[0];
    assert_eq!(row["integrated_lufs"], named["integrated_lufs"]);
}

#[test]
fn a_closed_pipe_is_success() {
    let folder = Folder::new();
    song(&folder.path("a.wav"), 24_000, 1.0);
    assert_eq!(run::barline_into_closed_pipe(["measure", "--json", &folder.name("a.wav")]), 0);
}

#[test]
fn silence_is_not_labelled_and_advice_has_its_shape() {
    let folder = Folder::new();
    float_wav(&folder.path("silent.wav"), 24_000, &[0.0; 96_000]);
    song(&folder.path("song.wav"), 24_000, 4.0);
    let (silent, loud) = (folder.name("silent.wav"), folder.name("song.wav"));
    let rows = array(&barline(["label", "--json", &silent, &loud]));
    for row in &rows {
        assert_object(row, &["label", "confidence", "alternatives", "abstained"]);
    }
    assert!(rows[0]["label"].is_null() && rows[0]["abstained"] == true);

    let ran = barline([
        "advise",
        "--json",
        "--from",
        "1",
        "--to",
        "3",
        "--label",
        "bass",
        "--ask",
        "is it muddy?",
        &silent,
        &loud,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for row in array(&ran) {
        assert_object(&row, &["scope", "label", "findings", "answer"]);
        assert_eq!(
            (row["scope"]["start_s"].as_f64(), row["scope"]["end_s"].as_f64()),
            (Some(1.0), Some(3.0))
        );
        assert_eq!(row["label"], "bass");
        assert!(row["answer"]["text"].is_string() && row["answer"]["checked_numbers"].is_u64());
        for finding in row["findings"].as_array().unwrap() {
            for field in ["kind", "severity", "confidence", "band_hz", "evidence", "move", "text"] {
                assert!(finding.as_object().unwrap().contains_key(field), "{finding}");
            }
        }
    }
    let quiet = &array(&barline(["advise", "--json", &silent]))[0];
    assert_eq!(quiet["findings"][0]["kind"], "silence");
    assert!(quiet["scope"]["words"].as_str().unwrap().ends_with(", silence"), "{quiet}");
}

#[test]
fn advice_knows_the_other_stems_the_target_and_a_folder_of_records() {
    let folder = Folder::new();
    let tone = |level: f32, hz: f32| -> Vec<f32> {
        let turn = std::f32::consts::TAU * hz / 24_000.0;
        (0..12 * 24_000).map(|i| level * (turn * (i % 24_000) as f32).sin()).collect()
    };
    fs::create_dir_all(folder.path("stems")).unwrap();
    fs::create_dir_all(folder.path("records")).unwrap();
    float_wav(&folder.path("stems/quiet.wav"), 24_000, &tone(0.003, 400.0));
    float_wav(&folder.path("stems/loud.wav"), 24_000, &tone(0.3, 400.0));
    for (index, hz) in [2_500.0, 3_000.0].into_iter().enumerate() {
        float_wav(&folder.path(&format!("records/{index}.wav")), 24_000, &tone(0.1, hz));
    }
    let quiet = folder.name("stems/quiet.wav");
    let findings = |args: &[&str]| {
        let common = ["advise", "--json", "--label", "piano", quiet.as_str()];
        let ran = barline(common.iter().chain(args).copied());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        array(&ran)[0]["findings"].as_array().unwrap().clone()
    };
    let kinds = |findings: &[Value]| -> Vec<String> {
        findings.iter().map(|f| f["kind"].as_str().unwrap().to_owned()).collect()
    };
    let alone = kinds(&findings(&[]));
    assert!(!alone.contains(&"masking".to_owned()), "{alone:?}");
    let beside = findings(&["--stems", &folder.name("stems")]);
    let masking = beside.iter().find(|f| f["kind"] == "masking").unwrap();
    assert_eq!(masking["other"]["name"], "loud.wav");
    assert!(masking["text"].as_str().unwrap().contains("this track (piano)"), "{masking}");
    let aimed = findings(&["--target", "streaming"]);
    let level = aimed.iter().find(|f| f["kind"] == "too-quiet").unwrap();
    assert!(level["text"].as_str().unwrap().contains("target of -14.0 LUFS"), "{level}");
    let compared = kinds(&findings(&["--reference", &folder.name("records")]));
    assert!(compared.len() > alone.len(), "{compared:?}");
    let empty = folder.name("nothing");
    fs::create_dir_all(&empty).unwrap();
    let ran = barline(["advise", "--reference", &empty, &quiet]);
    assert!(ran.code == 1 && ran.stderr.contains("no audio files"), "{}", ran.stderr);
}

#[test]
fn embed_gives_the_reference_numbers() {
    let folder = Folder::new();
    let case = golden("mert-postln-tiny/s0");
    let input = &tensors(&case.join("inputs.safetensors"))["input_values"].1;
    float_wav(&folder.path("in.wav"), 24_000, input);
    let out = folder.name("out.safetensors");
    let ran = barline([
        "embed",
        &folder.name("in.wav"),
        "--model",
        case.to_str().unwrap(),
        "--out",
        &out,
        "--json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_object(&serde_json::from_str(&ran.stdout).unwrap(), &["out", "tensors"]);
    let (got, expected) = (tensors(Path::new(&out)), tensors(&case.join("expected.safetensors")));
    for name in ["hidden_states.0", "hidden_states.3", "mean_hidden_states"] {
        assert_eq!(got[name].0, expected[name].0, "{name}");
        assert_close(name, &got[name].1, &expected[name].1);
    }
    assert_eq!(got.len(), 5, "{:?}", got.keys());
    barline([
        "embed",
        &folder.name("in.wav"),
        "--model",
        case.to_str().unwrap(),
        "--out",
        &out,
        "--layer",
        "mean",
    ]);
    assert_eq!(tensors(Path::new(&out)).into_keys().collect::<Vec<_>>(), ["mean_hidden_states"]);
}

/// The end-to-end case as a model folder.
fn musilingo(folder: &Folder) -> String {
    let case = golden("musilingo-tiny/s0");
    let model = folder.path("model");
    for part in ["llm", "mert"] {
        fs::create_dir_all(model.join(part)).unwrap();
        for entry in fs::read_dir(case.join(part)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, model.join(part).join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::copy(case.join("adapter.safetensors"), model.join("adapter.safetensors")).unwrap();
    let manifest = serde_json::json!({
        "format": 1, "name": "musilingo-tiny", "licence": "none", "encoder": "mert/", "lm": "llm/",
        "adapter": {"kind": "linear", "weights": "adapter.safetensors", "layers": "mean", "chunk_frames": 325},
        "normalize_input": false, "heads": null,
        "prompt": {"bos": true, "before": "###Human: <Audio>", "after": "</Audio> {instruction} ###Assistant: ",
                   "stop": ["###"], "answer_after": "Assistant:"},
    });
    fs::write(model.join("barline.json"), manifest.to_string()).unwrap();
    model.to_str().unwrap().to_owned()
}

#[test]
fn ask_gives_the_reference_words() {
    let folder = Folder::new();
    let model = musilingo(&folder);
    let case = golden("musilingo-tiny/s0");
    float_wav(
        &folder.path("in.wav"),
        24_000,
        &tensors(&case.join("inputs.safetensors"))["0.input_values"].1,
    );
    let file = folder.name("in.wav");
    let out = folder.name("out.safetensors");
    assert_eq!(
        barline(["embed", &file, "--model", &model, "--out", &out, "--layer", "mean"]).code,
        0
    );
    let (got, expected) = (tensors(Path::new(&out)), tensors(&case.join("expected.safetensors")));
    assert_eq!(got["soft_tokens"].0, [1, 48]);
    assert_close("soft_tokens", &got["soft_tokens"].1, &expected["0.soft_tokens"].1);

    let question = "Please give a caption to the music.";
    let ran = barline([
        "ask",
        &file,
        "--ask",
        question,
        "--greedy",
        "--raw",
        "--max-tokens",
        "32",
        "--json",
        "--model",
        &model,
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let row: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_object(&row, &["question", "answer", "raw"]);
    let text: Value =
        serde_json::from_slice(&fs::read(case.join("expected_text.json")).unwrap()).unwrap();
    assert_eq!(row["raw"], text[0]["decoded_text"]);
    // A sentence with digits of its own is withheld; whatever is shown has none.
    assert!(!row["answer"]["text"].as_str().unwrap().contains(|c: char| c.is_ascii_digit()));
}

#[test]
fn a_faulty_model_is_an_error_object_for_every_file() {
    let folder = Folder::new();
    let model = musilingo(&folder);
    song(&folder.path("a.wav"), 24_000, 2.0);
    let file = folder.name("a.wav");
    let weights = Path::new(&model).join("mert/model.safetensors");
    let good = fs::read(&weights).unwrap();
    let config_path = Path::new(&model).join("llm/config.json");
    let config = fs::read_to_string(&config_path).unwrap();
    let check = |word: &str| {
        let ran = barline(["caption", "--json", "--model", &model, &file, "nowhere.wav"]);
        assert_eq!(ran.code, 1);
        let rows = array(&ran);
        assert_eq!(rows.len(), 2, "{}", ran.stdout);
        let message = rows[0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(word), "{word}: {message}");
        assert!(!rows[0]["error"]["field"].as_str().unwrap().is_empty());
        assert_eq!(rows[1]["error"]["field"], "file");
    };
    fs::write(&weights, &good[..good.len() - 100]).unwrap();
    check("mert/model.safetensors");
    fs::remove_file(&weights).unwrap();
    check("mert/");
    fs::write(&weights, &good).unwrap();
    fs::write(&config_path, config.replace("\"llama\"", "\"tuba\"").replace("Llama", "Tuba"))
        .unwrap();
    check("llm/config.json");
    fs::write(&config_path, config).unwrap();
    assert_eq!(barline(["caption", "--json", "--model", &model, &file]).code, 0);
}

#[test]
fn what_is_wrong_with_a_model_is_said_once() {
    let folder = Folder::new();
    song(&folder.path("a.wav"), 24_000, 2.0);
    let (file, out) = (folder.name("a.wav"), folder.name("out.safetensors"));
    let ran = barline(["models", "verify", "--model", "/nope"]);
    assert_eq!((ran.code, ran.stderr.matches("barline.json").count()), (1, 1), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("/nope/barline.json: missing"), "{}", ran.stderr);
    let list = folder.name("holdout.toml");
    let ran =
        barline(["eval", "bank", "--bank", folder.0.path().to_str().unwrap(), "--holdout", &list]);
    assert_eq!((ran.code, ran.stderr.matches("No such file").count()), (1, 1), "{}", ran.stderr);
    // A folder that holds a language model alone.
    let lm = golden("musilingo-tiny/s0").join("llm");
    let ran = barline(["embed", &file, "--model", lm.to_str().unwrap(), "--out", &out]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("\"llama\" is no audio encoder"), "{}", ran.stderr);
}

#[test]
fn models_are_listed_and_verified_and_never_fetched() {
    let ran = barline(["models", "list", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(array(&ran)[0]["model"], "embedded");
    let bare = golden("mert-postln-tiny/s0");
    let ran = barline(["models", "list", "--json", "--model", bare.to_str().unwrap()]);
    let row = &array(&ran)[1];
    assert!(row["encoder"].is_string(), "{row}");
    for field in ["name", "licence", "adapter", "lm", "heads"] {
        assert!(row[field].is_null() && row["notes"][field].is_string(), "{field}: {row}");
    }
    let ran = barline(["models", "verify", "--json"]);
    assert!(array(&ran).iter().all(|row| row["sha256"].as_str().unwrap().len() == 64));
    let ran = barline(["models", "fetch", "m-a-p/MERT-v1-95M"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("huggingface.co/m-a-p/MERT-v1-95M"), "{}", ran.stderr);
}
