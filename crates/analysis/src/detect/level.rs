//! Rules of level, polarity, faults and dynamics.

use signal::{Action, Finding, FindingKind as Kind, Label, Measurements, Severity};

use super::draft::{BS_1770, Draft, EBU_R128, OWN, confidence, grade};
use super::limits as limit;

/// Silence, or too little of a signal to judge.
pub(super) fn nothing_to_say(m: &Measurements) -> Option<Finding> {
    let signal =
        |draft: Draft| draft.evidence("signal_s", m.signal_s, "s", OWN).action(Action::None, None);
    if m.sample_peak_dbfs.is_none_or(|peak| peak < limit::SILENT_PEAK_DBFS) {
        let draft = signal(Draft::new(Kind::Silence, Severity::Minor, 1.0));
        return Some(draft.text("There is no signal here.".to_owned()));
    }
    if m.signal_s < limit::LEAST_SIGNAL_S && !is_faint(m) {
        let draft = signal(Draft::new(Kind::TooLittle, Severity::Minor, 1.0));
        let text = format!("Only {:.2} s of signal: too little to judge.", m.signal_s);
        return Some(draft.text(text));
    }
    None
}

/// Whether there is sound, but all of it far below where signal begins.
fn is_faint(m: &Measurements) -> bool {
    m.duration_s >= limit::LOUDNESS_SIGNAL_S
        && m.momentary_max_lufs.is_some_and(|lufs| lufs < limit::FAINT_LUFS)
}

pub(super) fn rules(m: &Measurements, label: Option<Label>, out: &mut Vec<Finding>) {
    out.extend(clipping(m));
    let loudness = loudness(m, label);
    let turned_down_db =
        loudness.as_ref().and_then(|finding| finding.mv?.gain_db).unwrap_or(0.0).min(0.0);
    out.extend(true_peak(m, turned_down_db));
    out.extend(dc_offset(m));
    out.extend(phase(m));
    out.extend(imbalance(m, label));
    out.extend(loudness);
    out.extend(hum(m));
    out.extend(noise(m));
    out.extend(low_end_width(m));
    out.extend(narrow(m, label));
    out.extend(dynamics(m, label));
}

fn clipping(m: &Measurements) -> Option<Finding> {
    let runs = m.clipped_runs;
    let per_s = runs as f64 / m.duration_s.max(1.0);
    if runs < limit::CLIPPED_RUNS || per_s < limit::CLIPPED_RUNS_PER_S {
        return None;
    }
    let peak = m.sample_peak_dbfs?;
    let draft = Draft::new(Kind::Clipping, grade(per_s, 2.0, 20.0), confidence(per_s, 10.0))
        .evidence("clipped_runs", runs as f64, "runs", OWN)
        .evidence("sample_peak_dbfs", peak, "dBFS", OWN)
        .action(Action::Gain, Some(-3.0));
    Some(draft.text(format!(
        "The wave is cut flat {runs} times at its {peak:.1} dBFS ceiling. If that is not the sound you want, lower \
         the level before the stage that clips."
    )))
}

/// The true peak, where it stays too high once the level is turned down for its loudness: one cause is one finding.
fn true_peak(m: &Measurements, turned_down_db: f64) -> Option<Finding> {
    let peak = m.true_peak_dbtp?;
    let excess = peak - limit::TRUE_PEAK_DBTP;
    if excess + turned_down_db <= limit::TRUE_PEAK_TOLERANCE_DB {
        return None;
    }
    let gain_db = -(excess * 10.0).ceil() / 10.0;
    let draft = Draft::new(Kind::TruePeakOver, grade(excess, 1.0, 3.0), confidence(excess, 1.0))
        .evidence("true_peak_dbtp", peak, "dBTP", BS_1770)
        .evidence("true_peak_limit_dbtp", limit::TRUE_PEAK_DBTP, "dBTP", EBU_R128)
        .action(Action::Limit, Some(gain_db));
    Some(draft.text(format!(
        "The true peak reaches {peak:.1} dBTP, above the {:.1} dBTP that leaves room for converters and codecs. \
         {gain_db:.1} dB of gain or limiting would do.",
        limit::TRUE_PEAK_DBTP
    )))
}

/// The level of the whole slice.
fn rms_dbfs(m: &Measurements) -> Option<f64> {
    Some(m.sample_peak_dbfs? - m.crest_db?)
}

fn dc_offset(m: &Measurements) -> Option<Finding> {
    let offset = m.dc_offset?;
    let rms = 10f64.powf(rms_dbfs(m)? / 20.0);
    let size = offset.abs();
    if m.duration_s < 1.0 || size < limit::DC_OFFSET || size < rms * limit::DC_OFFSET_OF_RMS {
        return None;
    }
    let percent = offset * 100.0;
    let draft = Draft::new(Kind::DcOffset, grade(size, 0.03, 0.1), confidence(size, 0.05))
        .band(0.0, 20.0)
        .evidence("dc_offset", percent, "% of full scale", OWN)
        .filter(Action::HighPass, 20.0, 0.7, None);
    Some(draft.text(format!(
        "The wave's middle sits {percent:.1} % of full scale away from zero, which costs headroom. A high-pass at \
         20 Hz removes it."
    )))
}

fn phase(m: &Measurements) -> Option<Finding> {
    let correlation = m.correlation?;
    if correlation > limit::INVERTED_CORRELATION {
        return None;
    }
    let excess = limit::INVERTED_CORRELATION - correlation;
    let draft = Draft::new(Kind::PhaseInverted, grade(excess, 0.1, 0.3), confidence(excess, 0.4))
        .evidence("correlation", correlation, "", OWN)
        .action(Action::InvertPhase, None);
    Some(draft.text(format!(
        "Left and right work against each other (correlation {correlation:.2}), so most of this disappears in mono. \
         Try inverting the polarity of one channel."
    )))
}

fn imbalance(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let balance = m.balance_db?;
    let excess = balance.abs() - limit::imbalance_db(label);
    if excess < 0.0 {
        return None;
    }
    let (louder, quieter) = if balance > 0.0 { ("right", "left") } else { ("left", "right") };
    let draft =
        Draft::new(Kind::ChannelImbalance, grade(excess, 2.0, 6.0), confidence(excess, 3.0))
            .evidence("balance_db", balance, "dB", OWN);
    let size = balance.abs();
    if size >= limit::SILENT_CHANNEL_DB {
        let text = format!(
            "The {quieter} channel is silent: it lies {size:.1} dB below the {louder} one. Check the routing and the panning."
        );
        return Some(draft.action(Action::None, None).text(text));
    }
    let draft = draft.action(Action::Pan, Some(-size));
    Some(draft.text(format!(
        "The {louder} channel is {size:.1} dB above the {quieter} one. If that is not meant, turn the {louder} one down by \
         as much, or re-pan it."
    )))
}

fn loudness(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let enough = m.signal_s >= limit::LOUDNESS_SIGNAL_S || is_faint(m);
    let lufs = m.integrated_lufs.filter(|_| enough)?;
    let (quiet, loud) = limit::loudness_lufs(label);
    let evidence = |draft: Draft| draft.evidence("integrated_lufs", lufs, "LUFS", EBU_R128);
    if lufs > loud {
        let gain_db = ((limit::LOUD_TARGET_LUFS - lufs) * 2.0).round() / 2.0;
        let draft = evidence(Draft::new(
            Kind::TooLoud,
            grade(lufs - loud, 2.0, 4.0),
            confidence(lufs - loud, 3.0),
        ));
        let text = format!(
            "At {lufs:.1} LUFS this is very loud, and streaming services turn it down; {gain_db:.1} dB would give it room."
        );
        return Some(draft.action(Action::Gain, Some(gain_db)).text(text));
    }
    if lufs < quiet {
        let gain_db = ((limit::QUIET_TARGET_LUFS - lufs) * 2.0).round() / 2.0;
        let low = quiet - lufs;
        let draft =
            evidence(Draft::new(Kind::TooQuiet, grade(low, 6.0, 15.0), confidence(low, 6.0)));
        let text = format!(
            "At {lufs:.1} LUFS this is very quiet; {gain_db:.1} dB more would make it easier to place."
        );
        return Some(draft.action(Action::Gain, Some(gain_db)).text(text));
    }
    None
}

fn hum(m: &Measurements) -> Option<Finding> {
    let (hum_hz, hum_db) = m.hum_hz.zip(m.hum_db)?;
    let rms = rms_dbfs(m)?;
    let excess = (hum_db - limit::HUM_DBFS).max(hum_db - rms + limit::HUM_WITHIN_DB);
    if excess < 0.0 {
        return None;
    }
    let severity = grade(excess, limit::HUM_CLEAR_DB, limit::HUM_SEVERE_DB);
    let gain_db = -(excess + limit::HUM_MARGIN_DB).ceil();
    let draft = Draft::new(Kind::Hum, severity, confidence(excess, 15.0))
        .band(hum_hz, hum_hz * 5.0)
        .evidence("hum_hz", hum_hz, "Hz", OWN)
        .evidence("hum_db", hum_db, "dBFS", OWN)
        .filter(Action::Notch, hum_hz, 30.0, Some(gain_db));
    Some(draft.text(format!(
        "A steady {hum_hz:.0} Hz mains hum lies under the sound at {hum_db:.1} dBFS with its harmonics. Narrow \
         notches would take it out; check the cabling first."
    )))
}

fn noise(m: &Measurements) -> Option<Finding> {
    let (hiss, flatness) = m.hiss_dbfs.zip(m.noise_flatness)?;
    let rms = rms_dbfs(m)?;
    let excess = (hiss - limit::HISS_DBFS).max(hiss - rms + limit::HISS_WITHIN_DB);
    if excess < 0.0 || rms - hiss < limit::HISS_BELOW_DB {
        return None;
    }
    let draft = Draft::new(Kind::Noise, grade(excess, 10.0, 20.0), confidence(excess, 15.0))
        .band(2_000.0, 12_000.0)
        .evidence("hiss_dbfs", hiss, "dBFS", OWN)
        .evidence("noise_flatness", flatness, "", OWN)
        .action(Action::Expand, Some(-6.0));
    Some(draft.text(format!(
        "A steady hiss at {hiss:.1} dBFS lies under the sound. A gentle expander or noise reduction could help."
    )))
}

fn low_end_width(m: &Measurements) -> Option<Finding> {
    let correlation = m.low_correlation?;
    let low = m.level_between(25.0, 120.0)?;
    let rms = rms_dbfs(m)?;
    // A narrow band of a stereo signal is judged only where it carries weight, and not where polarity explains it.
    let inverted = m.correlation.is_some_and(|all| all <= limit::INVERTED_CORRELATION);
    let one_sided = m.balance_db.is_some_and(|db| db.abs() > limit::ONE_SIDED_DB);
    let excess = limit::LOW_CORRELATION - correlation;
    if excess < 0.0
        || low < rms - limit::LOW_END_WEIGHT_DB
        || inverted
        || one_sided
        || m.signal_s < 1.0
    {
        return None;
    }
    let draft = Draft::new(Kind::WideLowEnd, grade(excess, 0.3, 0.8), confidence(excess, 0.5))
        .band(25.0, 120.0)
        .evidence("low_correlation", correlation, "", OWN)
        .filter(Action::MonoBelow, limit::MONO_BELOW_HZ, 0.7, None);
    Some(draft.text(format!(
        "Below 120 Hz left and right differ (correlation {correlation:.2}), so the low end weakens in mono. Making \
         it mono below {:.0} Hz would firm it up.",
        limit::MONO_BELOW_HZ
    )))
}

fn narrow(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let (width, correlation) = m.width.zip(m.correlation)?;
    if label != Some(Label::FullMix)
        || width > limit::NARROW_WIDTH
        || m.signal_s < limit::LOUDNESS_SIGNAL_S
    {
        return None;
    }
    let percent = width * 100.0;
    let excess = 10.0 * (limit::NARROW_WIDTH / width.max(1e-9)).log10();
    let severity = if excess >= limit::MONO_DB { Severity::Clear } else { Severity::Minor };
    let draft = Draft::new(Kind::Narrow, severity, confidence(limit::NARROW_WIDTH - width, 0.002))
        .evidence("correlation", correlation, "", OWN)
        .evidence("width", percent, "% side", OWN)
        .action(Action::Pan, None);
    let mono = if percent < 0.05 {
        "The mix is mono: left and right carry the same.".to_owned()
    } else {
        format!("The mix is nearly mono: {percent:.1} % of its power is in the sides.")
    };
    Some(draft.text(format!("{mono} Panning a few parts apart would open it.")))
}

fn dynamics(m: &Measurements, label: Option<Label>) -> Option<Finding> {
    let [dense_db, squeezed_db, flat_db] = limit::plr_db(label)?;
    let plr = m.plr_db.filter(|_| m.signal_s >= limit::LOUDNESS_SIGNAL_S)?;
    let psr = m.psr_min_db?;
    let excess = dense_db - plr;
    if excess < 0.0 {
        return None;
    }
    let severity = grade(excess, dense_db - squeezed_db, dense_db - flat_db);
    let text = match severity {
        Severity::Minor => format!(
            "Peaks stand only {plr:.1} dB above the loudness, which is dense: fine for a finished master, but little where \
             more is to come. Easing the compression or limiting would give the hits room."
        ),
        _ => format!(
            "Peaks stand only {plr:.1} dB above the loudness: the dynamics are squeezed flat. Easing the compression or \
             limiting would give the hits back."
        ),
    };
    let draft = Draft::new(Kind::Overcompressed, severity, confidence(excess, 2.0))
        .evidence("crest_db", m.crest_db?, "dB", OWN)
        .evidence("plr_db", plr, "dB", BS_1770)
        .evidence("psr_min_db", psr, "dB", BS_1770)
        .action(Action::Expand, None);
    Some(draft.text(text))
}
