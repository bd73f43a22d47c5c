//! The whole stack through a model folder: audio, soft tokens, prompt, greedy answer.

use std::{path::Path, sync::atomic::AtomicBool};

use models::{Keep, Limits, Model, ModelError, ModelFolder, Prompt, Sampling, Source, generate};
use serde_json::{Value, json};

use crate::{Tensors, computes, flat, root, variants};

/// The case's folder with our barline.json beside it.
fn folder(dir: &Path) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    for name in [
        "mert/config.json",
        "mert/model.safetensors",
        "llm/config.json",
        "llm/model.safetensors",
        "llm/tokenizer.json",
        "adapter.safetensors",
    ] {
        let to = temp.path().join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(dir.join(name), to).unwrap();
    }
    let manifest = json!({
        "format": 1, "name": "tiny", "licence": "none", "encoder": "mert/", "lm": "llm",
        "adapter": {"kind": "linear", "weights": "adapter.safetensors", "layers": "mean", "chunk_frames": 325},
        "normalize_input": false, "heads": null,
        "prompt": {"bos": true, "before": "###Human: <Audio>", "after": "</Audio> {instruction} ###Assistant: ",
                   "stop": ["###"], "answer_after": "Assistant:"},
    });
    std::fs::write(temp.path().join("barline.json"), manifest.to_string()).unwrap();
    temp
}

fn check_item(model: &Model, inputs: &Tensors, expected: &Tensors, text: &Value, how: &str) {
    let item = text["item"].as_u64().unwrap();
    let name = |part: &str| format!("{item}.{part}");
    let instruction = text["instruction"].as_str().unwrap();
    let clip = inputs.values(&name("input_values"));
    let hidden = model.encoder().unwrap().encode(&clip, Keep::Mean).unwrap();
    expected.check(&name("mean_hidden_states"), &hidden.mean, how);
    let heard = model.soft_tokens(&clip).unwrap();
    expected.check(&name("soft_tokens"), &flat(&heard.soft_tokens), how);

    let prompt = model.manifest.prompt.as_ref().unwrap();
    let tokenizer = model.tokenizer.as_ref().unwrap();
    let (before, after) = prompt.halves(instruction);
    assert_eq!(tokenizer.encode(&before).unwrap(), expected.ids(&name("prompt_ids_before")));
    assert_eq!(tokenizer.encode(&after).unwrap(), expected.ids(&name("prompt_ids_after")));
    let embeds = model.prompt_embeds(&heard, instruction).unwrap();
    expected.check(&name("inputs_embeds"), &flat(&embeds), how);

    // The reference runs on past the end token, so it is no stop here.
    let ids = expected.ids(&name("greedy_ids"));
    let greedy = Sampling::greedy();
    let limits =
        Limits { sampling: &greedy, max_tokens: ids.len(), stop_ids: &[], stop_texts: &[] };
    let mut shown = String::new();
    let out = generate(
        model.lm.as_ref().unwrap(),
        tokenizer,
        &embeds,
        &limits,
        &AtomicBool::new(false),
        &mut |piece, _| {
            shown.push_str(piece);
        },
    )
    .unwrap();
    assert_eq!(out.tokens, ids, "{how}");
    assert_eq!(out.text, text["decoded_text"].as_str().unwrap());
    assert_eq!(shown, out.text, "{how}: the pieces make up the text");
    assert_eq!(prompt.answer_in(&out.text), text["answer"].as_str().unwrap());
    assert!(out.log_prob < 0.0 && (0.0..1.0).contains(&out.confidence()));
    // An end token in the reference ends a real answer there.
    let end = ids.iter().position(|id| *id == 2).unwrap_or(ids.len());
    let answer = model
        .answer(&heard, instruction, &greedy, ids.len(), &AtomicBool::new(false), &mut |_, _| {})
        .unwrap();
    assert_eq!(answer.tokens, ids[..end], "{how}");
}

#[test]
fn end_to_end() {
    for dir in variants("musilingo-tiny") {
        let inputs = Tensors::load(&dir.join("inputs.safetensors"));
        let expected = Tensors::load(&dir.join("expected.safetensors"));
        let texts: Vec<Value> =
            serde_json::from_slice(&std::fs::read(dir.join("expected_text.json")).unwrap())
                .unwrap();
        let temp = folder(&dir);
        for (how, compute) in computes() {
            let source = Source::Dir(temp.path().to_owned());
            let model = ModelFolder::load(&source, &compute, &|_| ()).unwrap();
            let there =
                |text: &&Value| inputs.map.contains_key(&format!("{}.input_values", text["item"]));
            let mut items = 0;
            for text in texts.iter().filter(there) {
                check_item(&model, &inputs, &expected, text, how);
                items += 1;
            }
            assert!(items > 0);
        }
    }
}

#[test]
fn embedded_files_give_what_the_directory_gives() {
    let dir = &variants("musilingo-tiny")[0];
    let temp = folder(dir);
    let mut files: Vec<(&'static str, &'static [u8])> = Vec::new();
    for name in [
        "barline.json",
        "mert/config.json",
        "mert/model.safetensors",
        "llm/config.json",
        "llm/model.safetensors",
        "llm/tokenizer.json",
        "adapter.safetensors",
    ] {
        files.push((name, std::fs::read(temp.path().join(name)).unwrap().leak()));
    }
    let embedded = ModelFolder::embedded(files.leak()).unwrap();
    let clip = Tensors::load(&dir.join("inputs.safetensors")).values("0.input_values");
    let ask = |model: &Model| {
        let heard = model.soft_tokens(&clip).unwrap();
        model
            .answer(
                &heard,
                "What?",
                &Sampling::greedy(),
                8,
                &AtomicBool::new(false),
                &mut |_, _| {},
            )
            .unwrap()
    };
    assert_eq!(ask(&embedded), ask(&ModelFolder::open(temp.path()).unwrap()));
    let disk = Source::Dir(temp.path().to_owned());
    let sizes: usize = files_len(
        temp.path(),
        &["mert/model.safetensors", "llm/model.safetensors", "adapter.safetensors"],
    );
    assert_eq!(ModelFolder::weight_bytes(&disk).unwrap(), sizes as u64);
}

fn files_len(dir: &Path, names: &[&str]) -> usize {
    names.iter().map(|name| std::fs::read(dir.join(name)).unwrap().len()).sum()
}

#[test]
fn stop_tokens_stop_texts_limits_and_cancel_end_the_text() {
    let dir = &variants("musilingo-tiny")[0];
    let temp = folder(dir);
    let model = ModelFolder::open(temp.path()).unwrap();
    let heard = model
        .soft_tokens(&Tensors::load(&dir.join("inputs.safetensors")).values("0.input_values"))
        .unwrap();
    let embeds = model.prompt_embeds(&heard, "Please give a caption to the music.").unwrap();
    let ids = Tensors::load(&dir.join("expected.safetensors")).ids("0.greedy_ids");
    let greedy = Sampling::greedy();
    let (lm, tokenizer) = (model.lm.as_ref().unwrap(), model.tokenizer.as_ref().unwrap());
    let mut shown = String::new();
    let mut run = |max_tokens, stop_ids: &[u32], stop_texts: &[String], cancel: bool| {
        let limits = Limits { sampling: &greedy, max_tokens, stop_ids, stop_texts };
        shown.clear();
        let out =
            generate(lm, tokenizer, &embeds, &limits, &AtomicBool::new(cancel), &mut |piece, _| {
                shown.push_str(piece)
            });
        (out, shown.clone())
    };
    assert_eq!(run(32, &[ids[5]], &[], false).0.unwrap().tokens, ids[..5]);
    assert_eq!(run(3, &[], &[], false).0.unwrap().tokens, ids[..3]);
    assert_eq!(run(0, &[], &[], false).0.unwrap().confidence(), 0.0);
    assert!(matches!(run(32, &[], &[], true).0, Err(ModelError::Cancelled)));
    let stop = tokenizer.decode(&ids[3..6]).unwrap();
    let (out, shown) = run(32, &[], std::slice::from_ref(&stop), false);
    let out = out.unwrap();
    assert_eq!(out.tokens, ids[..6]);
    assert_eq!(format!("{shown}{stop}"), out.text);
}

#[test]
fn post_processing() {
    let prompt = Prompt {
        stop: vec!["###".to_owned()],
        answer_after: Some("Assistant:".to_owned()),
        ..Prompt::default()
    };
    let cases: Vec<Value> = serde_json::from_slice(
        &std::fs::read(root().join("musilingo-tiny/postprocess.json")).unwrap(),
    )
    .unwrap();
    assert!(cases.len() >= 7);
    for case in cases {
        assert_eq!(
            prompt.answer_in(case["raw"].as_str().unwrap()),
            case["answer"].as_str().unwrap(),
            "{case}"
        );
    }
}
