//! THIRD-PARTY-NOTICES: every crate linked into the plugin, with its licence and the texts it ships.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::metadata::{Metadata, Package};

const RULE: &str =
    "\n--------------------------------------------------------------------------------\n";
const APACHE: &str = include_str!("../../LICENSE-APACHE");
const MIT: &str = include_str!("../../LICENSE-MIT");
const ISC: &str = "\
Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.";
const UNLICENSE: &str = "\
This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this software, either in source code form or
as a compiled binary, for any purpose, commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this software dedicate any and all copyright
interest in the software to the public domain. We make this dedication for the benefit of the public at large and to the
detriment of our heirs and successors. We intend this dedication to be an overt act of relinquishment in perpetuity of
all present and future rights to this software under copyright law.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>";

/// The notices for the bundles: a list of crates, then each licence text once with the crates that carry it.
pub(crate) fn third_party(metadata: &Metadata) -> Result<String> {
    let plugin = metadata.member("plugin")?;
    let mut crates: Vec<&Package> = metadata
        .reached(plugin)
        .into_iter()
        .filter(|package| !metadata.is_member(package))
        .collect();
    crates.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));

    let mut out = String::from(
        "Barline contains the following third-party software, and the Rust standard library (MIT OR Apache-2.0,\n\
         https://github.com/rust-lang/rust). VST is a trademark of Steinberg Media Technologies GmbH.\n\n",
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &crates {
        let title = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("see the text below");
        let repository = package.repository.as_deref().unwrap_or("no repository named");
        writeln!(out, "{title} | {licence} | {repository}")?;
        let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
        let mut found = texts_in(folder, is_licence)?;
        if found.is_empty() {
            found.push(text_by_name(package)?);
        }
        // Fonts have licences of their own, beside them.
        let fonts = folder.join("fonts");
        if fonts.is_dir() {
            found.extend(texts_in(&fonts, |name| name.ends_with(".txt"))?);
        }
        for text in found {
            texts.entry(text).or_default().push(title.clone());
        }
    }
    for (text, titles) in texts {
        writeln!(out, "{RULE}{}\n\n{}", titles.join(", "), text.trim())?;
    }
    Ok(out)
}

/// Whether a file of this name, in small letters, is a licence or a notice.
fn is_licence(name: &str) -> bool {
    ["licen", "copying", "copyright", "notice", "unlicense"]
        .iter()
        .any(|head| name.starts_with(head))
}

/// The texts in a published crate's folder whose names, in small letters, are wanted.
fn texts_in(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if wanted(&name) && entry.path().is_file() {
            let bytes = std::fs::read(entry.path())?;
            texts.push(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

/// What stands for the text of a crate that ships none: its authors, and the text that its licence expression names.
fn text_by_name(package: &Package) -> Result<String> {
    let authors = if package.authors.is_empty() {
        "its authors".to_owned()
    } else {
        package.authors.join(", ")
    };
    let licence = package.license.as_deref().unwrap_or("unknown licence");
    let text = match licence {
        both if both.contains("Apache-2.0") => APACHE,
        mit if mit.contains("MIT") => MIT.split_once("\n\n").map_or(MIT, |(_, rest)| rest),
        isc if isc.contains("ISC") => ISC,
        free if free.contains("Unlicense") => UNLICENSE,
        other => bail!("{} {}: no text for the licence `{other}`", package.name, package.version),
    };
    Ok(format!(
        "Copyright {authors}. {licence}; the published crate ships no text of its own.\n\n{text}"
    ))
}
