//! `barline measure`.

use std::fmt::Write as _;

use signal::{Band, Measurements};

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
    let rows: [(&str, &str, Option<f64>, &str); 13] = [
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
    music(&mut out, m);
    spectrum(&mut out, &m.bands);
    for field in ["duration_s", "sample_rate_hz", "channels", "noise_floor_dbfs"] {
        if let Some(note) = m.notes.get(field) {
            let _ = writeln!(out, "  note: {note}");
        }
    }
    out
}

/// Tempo, meter and key, each with the probability that it is right.
fn music(out: &mut String, m: &Measurements) {
    let tempo = m.tempo_bpm.map(|bpm| format!("{bpm:.2} BPM"));
    for (name, field, value, confidence) in [
        ("tempo", "tempo_bpm", &tempo, m.tempo_confidence),
        ("meter", "meter", &m.meter, m.meter_confidence),
        ("key", "key", &m.key, m.key_confidence),
    ] {
        let why = m.notes.get(field).map_or("", String::as_str);
        let _ = match value {
            Some(value) => {
                let likely =
                    confidence.map_or_else(String::new, |c| format!(" ({:.0} %)", c * 100.0));
                writeln!(out, "  {name:24}   {value}{likely}")
            }
            None => writeln!(out, "  {name:24} {:>8}       {why}", "-"),
        };
    }
}

/// The third-octave levels, an octave a line.
fn spectrum(out: &mut String, bands: &[Band]) {
    for octave in bands.chunks(3) {
        let (Some(first), Some(last)) = (octave.first(), octave.last()) else { continue };
        let name = format!("{:.0} to {:.0} Hz", first.lo_hz, last.hi_hz);
        let levels: String = octave.iter().map(|band| format!("{:8.1}", band.level_db)).collect();
        let _ = writeln!(out, "  {name:24} {levels} dBFS");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_shown_with_what_it_is_worth() {
        let band = |lo_hz: f64, level_db| Band { lo_hz, hi_hz: lo_hz * 1.25, level_db };
        let measured = Measurements {
            tempo_bpm: Some(120.0),
            tempo_confidence: Some(0.9),
            meter: Some("6/8".into()),
            meter_confidence: Some(0.625),
            bands: vec![band(800.0, -20.0), band(1000.0, -30.25), band(1250.0, -40.0)],
            notes: [("key".to_owned(), "no clear pitches".to_owned())].into(),
            ..Measurements::default()
        };
        let text = text("a.wav", &measured);
        let line = |name: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            line.trim_start().strip_prefix(name).unwrap().split_whitespace().collect()
        };
        assert_eq!(line("tempo"), ["120.00", "BPM", "(90", "%)"]);
        assert_eq!(line("meter"), ["6/8", "(62", "%)"]);
        assert_eq!(line("key"), ["-", "no", "clear", "pitches"]);
        assert_eq!(line("800 to 1562 Hz"), ["-20.0", "-30.2", "-40.0", "dBFS"]);
    }
}
