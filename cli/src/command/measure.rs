//! `barline measure`.

use std::fmt::Write as _;

use signal::Measurements;

use crate::{
    args::{Common, Measure},
    output::{Report, wants_json},
    session::Session,
};

/// Measures files.
pub(crate) fn measure(common: &Common, args: &Measure) -> anyhow::Result<u8> {
    let mut report = Report::array(wants_json(common, args.plain));
    let session = Session::new(common)?;
    for file in &args.files {
        let result =
            session.file(file, false, |context, source| Ok(engine::measure(context, source)?));
        report.result(file, result, |measured| text(file, measured));
    }
    Ok(report.finish())
}

fn text(file: &str, m: &Measurements) -> String {
    let mut out =
        format!("{file}: {:.2} s, {} Hz, {} ch\n", m.duration_s, m.sample_rate_hz, m.channels);
    let rows: [(&str, &str, Option<f64>, &str); 14] = [
        ("integrated", "integrated_lufs", m.integrated_lufs, "LUFS"),
        ("loudness range", "loudness_range_lu", m.loudness_range_lu, "LU"),
        ("momentary max", "momentary_max_lufs", m.momentary_max_lufs, "LUFS"),
        ("short-term max", "short_term_max_lufs", m.short_term_max_lufs, "LUFS"),
        ("true peak", "true_peak_dbtp", m.true_peak_dbtp, "dBTP"),
        ("sample peak", "sample_peak_dbfs", m.sample_peak_dbfs, "dBFS"),
        ("peak to loudness", "plr_db", m.plr_db, "dB"),
        ("peak to short-term, min", "psr_min_db", m.psr_min_db, "dB"),
        ("crest factor", "crest_db", m.crest_db, "dB"),
        ("correlation", "correlation", m.correlation, ""),
        ("width", "width", m.width, ""),
        ("balance", "balance_db", m.balance_db, "dB"),
        ("DC offset", "dc_offset", m.dc_offset, ""),
        ("tempo", "tempo_bpm", m.tempo_bpm, "BPM"),
    ];
    for (name, field, value, unit) in rows {
        let why = m.notes.get(field).map_or("", String::as_str);
        let _ = match value {
            Some(value) => {
                writeln!(out, "  {name:24} {}", format!("{value:8.2} {unit:5} {why}").trim_end())
            }
            None => writeln!(out, "  {name:24} {:>8}       {why}", "-"),
        };
    }
    let key_note = m.notes.get("key").map_or("", String::as_str);
    let _ = writeln!(out, "  {:24} {}", "key", m.key.as_deref().unwrap_or(key_note));
    for field in ["duration_s", "sample_rate_hz", "channels", "noise_floor_dbfs"] {
        if let Some(note) = m.notes.get(field) {
            let _ = writeln!(out, "  note: {note}");
        }
    }
    out
}
