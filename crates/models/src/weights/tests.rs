//! Weight files, whole and damaged.

use super::*;

type Entry<'a> = (&'a str, &'a str, &'a [usize], Vec<u8>);

/// A safetensors file of these tensors, leaked so that it can be an embedded source.
fn file(tensors: &[Entry<'_>]) -> &'static [u8] {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let start = data.len();
        data.extend_from_slice(bytes);
        header.insert(
            (*name).to_owned(),
            serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]}),
        );
    }
    let json = serde_json::Value::Object(header).to_string();
    let mut all = (json.len() as u64).to_le_bytes().to_vec();
    all.extend(json.as_bytes());
    all.extend(data);
    all.leak()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn embedded(files: Vec<(&'static str, &'static [u8])>) -> Source {
    Source::Embedded(files.leak())
}

fn open(bytes: &'static [u8]) -> Result<Weights, ModelError> {
    Weights::open_folder(&embedded(vec![("lm/model.safetensors", bytes)]), "lm/")
}

#[test]
fn half_and_brain_floats_become_f32() {
    let half = [1.5f32, -0.25].iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
    let brain = [1.5f32, -0.25].iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect();
    let weights = open(file(&[("a", "F16", &[2], half), ("b", "BF16", &[2, 1], brain)])).unwrap();
    assert_eq!(weights.values("a", &[2]).unwrap(), [1.5, -0.25]);
    assert_eq!(weights.values("b", &[2, 1]).unwrap(), [1.5, -0.25]);
    assert_eq!(weights.elements(), 4);
}

#[test]
fn every_fault_names_the_file_and_the_tensor() {
    let weights = open(file(&[
        ("good", "F32", &[2], f32s(&[1.0, 2.0])),
        ("ids", "I32", &[1], vec![0; 4]),
        ("nan", "F32", &[2], f32s(&[1.0, f32::NAN])),
        ("inf", "F16", &[1], f16::INFINITY.to_le_bytes().to_vec()),
    ]))
    .unwrap();
    for (name, shape, what) in [
        ("none", &[2][..], "missing"),
        ("good", &[3], "shape [2] where [3] is needed"),
        ("good", &[2, 1], "shape [2] where [2, 1] is needed"),
        ("ids", &[1], "I32 is not f32, f16 or bf16"),
        ("nan", &[2], "value 1 is not finite"),
        ("inf", &[1], "value 0 is not finite"),
    ] {
        let error = weights.values(name, shape).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("lm/model.safetensors: tensor {name}: "))
                && error.contains(what),
            "{error}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    let whole = file(&[("a", "F32", &[3], f32s(&[1.0, 2.0, 3.0]))]);
    assert!(open(whole).is_ok());
    for len in 0..whole.len() {
        let error = open(&whole[..len]).unwrap_err().to_string();
        assert!(error.starts_with("lm/model.safetensors: "), "{error}");
    }
}

#[test]
fn a_header_that_lies_is_an_error_without_a_large_allocation() {
    for header in [
        r#"{"a":{"dtype":"F32","shape":[4000000000,4000000000],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1152921504606846976]}}"#,
        r#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#,
        "[]",
        "nonsense",
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 4]);
        assert!(
            open(bytes.leak()).unwrap_err().to_string().starts_with("lm/model.safetensors: "),
            "{header}"
        );
    }
    let mut bytes = u64::MAX.to_le_bytes().to_vec();
    bytes.extend([0; 64]);
    assert!(open(bytes.leak()).unwrap_err().to_string().contains("not a safetensors file"));
}

#[test]
fn shards_come_together_by_their_index() {
    let (one, two) =
        (file(&[("a", "F32", &[1], f32s(&[1.0]))]), file(&[("b", "F32", &[1], f32s(&[2.0]))]));
    let with_index = |index: &'static str| {
        let files = vec![
            ("m/model.safetensors.index.json", index.as_bytes()),
            ("m/1.safetensors", one),
            ("m/2.safetensors", two),
        ];
        Weights::open_folder(&embedded(files), "m/")
    };
    let weights =
        with_index(r#"{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}"#).unwrap();
    assert_eq!(weights.values("b", &[1]).unwrap(), [2.0]);
    assert_eq!(weights.file_of("b"), "m/2.safetensors");
    for (index, what) in [
        (r#"{"weight_map":{"a":"2.safetensors"}}"#, "m/2.safetensors: tensor a: missing"),
        (r#"{"weight_map":{"a":"../1.safetensors"}}"#, "weight_map: path"),
        (r#"{"weight_map":{"a":"3.safetensors"}}"#, "m/3.safetensors"),
        (r#"{"weight_map":3}"#, "index.json: weight_map"),
    ] {
        let error = with_index(index).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn no_weights_at_all_is_said() {
    let error = Weights::open_folder(&embedded(vec![]), "encoder/").unwrap_err().to_string();
    assert!(
        error.contains("encoder/model.safetensors") && error.contains("pytorch_model.bin"),
        "{error}"
    );
}

/// A torch checkpoint: stored zip entries of a pickle (protocol 2) and the raw values.
fn checkpoint(values: &[f32], shape: [usize; 2], under_model: bool) -> Vec<u8> {
    let mut pickle: Vec<u8> = vec![0x80, 2];
    let text = |s: &str| [&b"X"[..], &(s.len() as u32).to_le_bytes(), s.as_bytes()].concat();
    let int = |n: usize| [&b"J"[..], &(n as u32).to_le_bytes()].concat();
    if under_model {
        pickle.extend([b"}".to_vec(), b"(".to_vec(), text("model")].concat());
    }
    pickle.extend(
        [
            b"}(".to_vec(),
            text("w"),
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
        ]
        .concat(),
    );
    pickle.extend(
        [
            b"ctorch\nFloatStorage\n".to_vec(),
            text("0"),
            text("cpu"),
            int(values.len()),
            b"tQ".to_vec(),
        ]
        .concat(),
    );
    pickle.extend([int(0), b"(".to_vec(), int(shape[0]), int(shape[1]), b"t(".to_vec()].concat());
    pickle.extend(
        [
            int(shape[1]),
            int(1),
            b"t".to_vec(),
            vec![0x89],
            b"ccollections\nOrderedDict\n)RtRu".to_vec(),
        ]
        .concat(),
    );
    pickle.extend(if under_model { &b"u."[..] } else { &b"."[..] });
    zip(&[("archive/data.pkl", pickle), ("archive/data/0", f32s(values))])
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let offset = out.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        for number in [crc32(bytes), bytes.len() as u32, bytes.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        out.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        directory.extend(
            [b"PK\x01\x02\x14\0", &common[..], &[0; 10], &offset.to_le_bytes(), name.as_bytes()]
                .concat(),
        );
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(
        [(entries.len() as u16).to_le_bytes(), (entries.len() as u16).to_le_bytes()].concat(),
    );
    out.extend([(directory.len() as u32).to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

fn on_disk(bytes: &[u8]) -> Result<Vec<f32>, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pytorch_model.bin"), bytes).unwrap();
    Weights::open_folder(&Source::Dir(dir.path().to_owned()), "")?.values("w", &[2, 3])
}

#[test]
fn torch_checkpoints_read_plain_or_under_a_key() {
    let values = [1.0, -2.0, 3.0, 4.0, 5.5, -6.0];
    for under_model in [false, true] {
        assert_eq!(on_disk(&checkpoint(&values, [2, 3], under_model)).unwrap(), values);
    }
    let error = on_disk(&checkpoint(&[f32::NAN; 6], [2, 3], false)).unwrap_err().to_string();
    assert!(error.contains("pytorch_model.bin: tensor w: value 0 is not finite"), "{error}");
}

#[test]
fn damaged_torch_checkpoints_are_errors() {
    let whole = checkpoint(&[1.0; 6], [2, 3], false);
    for len in (0..whole.len()).step_by(7) {
        let error = on_disk(&whole[..len]).unwrap_err().to_string();
        assert!(error.starts_with("pytorch_model.bin: "), "{error}");
    }
    let error = on_disk(&checkpoint(&[1.0; 6], [1 << 30, 1 << 30], false)).unwrap_err().to_string();
    assert!(error.contains("pytorch_model.bin: tensor w: shape"), "{error}");
    // Every byte of the pickle changed once: an error or other values, never a panic that escapes.
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let _ = on_disk(&bytes);
    }
}
