//! Lists the files of model-assets/ for `embedded.rs` to compile in. A tree without trained weights still builds: the
//! program then asks for `--model`.

use std::{env, fs, path::Path};

/// What the embedded model consists of.
const FILES: [&str; 8] = [
    "barline.json",
    "encoder/config.json",
    "encoder/model.safetensors",
    "lm/config.json",
    "lm/model.safetensors",
    "lm/tokenizer.json",
    "adapter.safetensors",
    "heads.safetensors",
];

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let assets = Path::new(&manifest).join("../../model-assets");
    println!("cargo::rerun-if-changed={}", assets.display());
    let mut code = String::from("/// Path and contents.\nstatic FILES: &[(&str, &[u8])] = &[\n");
    let present: Vec<bool> = FILES.iter().map(|name| assets.join(name).is_file()).collect();
    if present.iter().all(|&present| present) {
        for name in FILES {
            let path =
                fs::canonicalize(assets.join(name)).expect("the file was there a moment ago");
            println!("cargo::rerun-if-changed={}", path.display());
            code += &format!("    ({name:?}, include_bytes!({path:?})),\n");
        }
    } else if present.iter().any(|&present| present) {
        let missing =
            FILES.iter().zip(&present).filter(|(_, present)| !**present).map(|(name, _)| *name);
        println!("cargo::error=model-assets lacks {}", missing.collect::<Vec<_>>().join(", "));
    }
    code += "];\n";
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("embedded.rs");
    fs::write(out, code).expect("the build folder can be written to");
}
