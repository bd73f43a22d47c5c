//! Many channels to one, for everything that listens in mono: the encoder's window, tempo and key.

/// How far below the louder channel the mean may lie before it is taken for cancelled, as a power ratio (6 dB).
const CANCELLED: f64 = 0.251_188_643_150_958;

/// One mono slice from interleaved samples: the mean of the channels, or the loudest channel where the mean lies
/// 6 dB or more below it (inverted polarity is not silence). An incomplete last frame is dropped; no channels give
/// no samples.
pub fn to_mono(interleaved: &[f32], channels: usize) -> Vec<f32> {
    match channels {
        0 => return Vec::new(),
        1 => return interleaved.to_vec(),
        _ => {}
    }
    let scale = 1.0 / channels as f32;
    let mean: Vec<f32> =
        interleaved.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() * scale).collect();
    let mean_energy: f64 = mean.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let mut loudest = (0, 0.0);
    for channel in 0..channels {
        let samples = interleaved.chunks_exact(channels).map(|frame| f64::from(frame[channel]));
        let energy: f64 = samples.map(|x| x * x).sum();
        if energy > loudest.1 {
            loudest = (channel, energy);
        }
    }
    if mean_energy <= loudest.1 * CANCELLED {
        return interleaved.chunks_exact(channels).map(|frame| frame[loudest.0]).collect();
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_phase_channels_are_averaged() {
        assert_eq!(to_mono(&[0.5, 0.25, -0.5, -0.25], 2), [0.375, -0.375]);
        assert_eq!(to_mono(&[0.5, 0.25], 1), [0.5, 0.25]);
    }

    #[test]
    fn inverted_polarity_takes_the_louder_channel() {
        assert_eq!(to_mono(&[0.5, -0.4, 0.25, -0.2], 2), [0.5, 0.25]);
        assert_eq!(to_mono(&[-0.1, 0.4, 0.1, -0.4], 2), [0.4, -0.4]);
    }

    #[test]
    fn a_single_sided_channel_keeps_its_level() {
        assert_eq!(to_mono(&[0.0, 0.5, 0.0, 0.5], 2), [0.5, 0.5]);
    }

    #[test]
    fn degenerate_input_gives_what_there_is() {
        assert!(to_mono(&[0.5], 0).is_empty());
        assert!(to_mono(&[], 2).is_empty());
        assert_eq!(to_mono(&[0.5, 0.5, 0.5], 2), [0.5]);
        assert_eq!(to_mono(&[0.0; 4], 2), [0.0, 0.0]);
    }
}
