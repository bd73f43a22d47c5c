//! Writes clips as a shard for training: samples as f16 in one file, truths as JSON lines in another.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use factory::clip::Clip;

/// A shard being written. It appears under its name only when finished, so that a broken run leaves no half shard.
#[derive(Debug)]
pub(crate) struct Shard {
    samples: BufWriter<File>,
    truths: BufWriter<File>,
    out: PathBuf,
}

fn named(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Shard {
    /// Starts `OUT.f16` and `OUT.jsonl`.
    pub(crate) fn create(out: &Path) -> std::io::Result<Self> {
        if let Some(dir) = out.parent() {
            std::fs::create_dir_all(dir)?;
        }
        Ok(Self {
            samples: BufWriter::with_capacity(1 << 20, File::create(named(out, ".f16.part"))?),
            truths: BufWriter::new(File::create(named(out, ".jsonl.part"))?),
            out: out.to_owned(),
        })
    }

    /// Appends one clip.
    pub(crate) fn write(&mut self, clip: &Clip) -> std::io::Result<()> {
        let bytes: Vec<u8> =
            clip.samples.iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
        self.samples.write_all(&bytes)?;
        serde_json::to_writer(&mut self.truths, &clip.truth)?;
        self.truths.write_all(b"\n")
    }

    /// Flushes and gives the files their names.
    pub(crate) fn finish(mut self) -> std::io::Result<()> {
        self.samples.flush()?;
        self.truths.flush()?;
        for ending in [".f16", ".jsonl"] {
            std::fs::rename(named(&self.out, &format!("{ending}.part")), named(&self.out, ending))?;
        }
        Ok(())
    }
}
